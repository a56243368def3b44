"""App configuration of calls."""

from django.apps import AppConfig


class CallsConfig(AppConfig):
    """The call's lifecycle, its events, CDR and recordings."""

    name = "dialer.calls"
