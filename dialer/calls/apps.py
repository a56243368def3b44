"""App configuration of calls."""

from django.apps import AppConfig


class CallsConfig(AppConfig):
    """The call's lifecycle, its events, CDR and recordings."""

    name = "dialer.calls"

    def ready(self) -> None:
        """Make a campaign's pacing known as a live screen."""
        from dialer.live import topics

        from .topic import TOPIC

        topics.register(TOPIC)
