"""App configuration of campaigns."""

from django.apps import AppConfig


class CampaignsConfig(AppConfig):
    """Campaigns, lists, disposition sets and pause codes."""

    name = "dialer.campaigns"
