"""App configuration of the floor."""

from django.apps import AppConfig


class FloorConfig(AppConfig):
    """Supervisors' screens: wallboards, the live floor, and what a supervisor can do to it."""

    name = "dialer.floor"

    def ready(self) -> None:
        """Make the boards known as live screens."""
        from dialer.live import shared

        from .topic import BOARDS

        for board in BOARDS:
            shared.register(board)
