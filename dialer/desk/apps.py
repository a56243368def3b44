"""App configuration of desk."""

from django.apps import AppConfig


class DeskConfig(AppConfig):
    """The agent desk and the records screens."""

    name = "dialer.desk"
