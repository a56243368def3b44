"""App configuration of leads."""

from django.apps import AppConfig


class LeadsConfig(AppConfig):
    """Leads and choosing the next ones."""

    name = "dialer.leads"

    def ready(self) -> None:
        """Make imports known as a live screen."""
        from dialer.live import topics

        from .importing.topic import TOPIC

        topics.register(TOPIC)
