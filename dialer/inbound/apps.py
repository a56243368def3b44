"""Queues of callers, and the numbers that lead to them."""

from __future__ import annotations

from django.apps import AppConfig


class InboundConfig(AppConfig):
    """The app."""

    name = "dialer.inbound"
