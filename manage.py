#!/usr/bin/env python
"""Django's command line, with the settings module chosen by CORDBOARD_ENV."""

import sys

from dialer.settings import use_environment


def main() -> None:
    """Run one management command."""
    use_environment()
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
