"""Static files under names that hold their hash, compressed, as far as they were collected."""

from __future__ import annotations

from whitenoise.storage import CompressedManifestStaticFilesStorage


class StaticFiles(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    """With nothing collected (tests, a fresh checkout) names stay as they are."""

    support_js_module_import_aggregation = True

    def stored_name(self, name: str) -> str:
        """The hashed name, as it was collected."""
        return str(super().stored_name(name)) if self.hashed_files else name
