"""App configuration of planning."""

from django.apps import AppConfig


class PlanningConfig(AppConfig):
    """What a campaign would do now, before it is started: checklist and dry run."""

    name = "dialer.planning"
