"""App configuration of handling."""

from django.apps import AppConfig


class HandlingConfig(AppConfig):
    """What agents do with a call that is connected: hold, transfer, conference, park, and the like."""

    name = "dialer.handling"

    def ready(self) -> None:
        """Tell a call's timeline of supervisors who listened."""
        from dialer.calls import timeline

        from .monitoring import told_of

        timeline.register(told_of)
