"""App configuration of agents."""

from django.apps import AppConfig


class AgentsConfig(AppConfig):
    """The agent's lifecycle and claiming an agent."""

    name = "dialer.agents"
