"""App configuration of compliance."""

from django.apps import AppConfig


class ComplianceConfig(AppConfig):
    """The dial gate."""

    name = "dialer.compliance"
