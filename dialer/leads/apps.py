"""App configuration of leads."""

from django.apps import AppConfig


class LeadsConfig(AppConfig):
    """Leads and choosing the next ones."""

    name = "dialer.leads"
