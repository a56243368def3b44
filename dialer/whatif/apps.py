"""App configuration of whatif."""

from django.apps import AppConfig


class WhatIfConfig(AppConfig):
    """What a campaign would do with other settings."""

    name = "dialer.whatif"

    def ready(self) -> None:
        """Make simulations known as a live screen."""
        from dialer.live import topics

        from .topic import TOPIC

        topics.register(TOPIC)
