"""App configuration of desk."""

from django.apps import AppConfig


class DeskConfig(AppConfig):
    """The agent desk."""

    name = "dialer.desk"

    def ready(self) -> None:
        """Make the desk known as a live screen."""
        from dialer.live import topics

        from .topic import TOPIC

        topics.register(TOPIC)
