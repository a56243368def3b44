"""App configuration of telephony."""

from django.apps import AppConfig


class TelephonyConfig(AppConfig):
    """The port to a switch and the outbox of commands to it."""

    name = "dialer.telephony"
