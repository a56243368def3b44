"""App configuration of people."""

from django.apps import AppConfig


class PeopleConfig(AppConfig):
    """Tenants, teams, users, roles and sign-in."""

    name = "dialer.people"
