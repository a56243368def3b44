"""Pictures of the product, written on command:

    python -m tests.browser.screenshots [FOLDER]      (default: docs/img)

It needs DATABASE_URL, REDIS_URL and Chromium; everything shown is made in a database of its own, dropped after.
"""

from __future__ import annotations

import os

import django


def main() -> None:
    """Set Django up, then take them."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dialer.settings.test")
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    django.setup()
    from tests.browser import pictures

    pictures.main()


if __name__ == "__main__":
    main()
