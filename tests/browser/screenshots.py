"""Pictures of the product, written on command:

    ./run screenshots [FOLDER] [NAME …]      (default: docs/img and the pictures kept there; NAME `all`: every one)

This part needs DATABASE_URL, REDIS_URL and Chromium; everything shown is made in a database of its own, dropped after.
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
