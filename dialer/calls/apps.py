"""App configuration of calls."""

from django.apps import AppConfig


class CallsConfig(AppConfig):
    """The call's lifecycle, its events, CDR and recordings."""

    name = "dialer.calls"

    def ready(self) -> None:
        """Make a campaign's pacing and a call's page known as live screens."""
        from dialer.live import shared, topics

        from .page import CALL
        from .topic import TOPIC

        topics.register(TOPIC)
        shared.register(CALL)
