"""Reads of queues and numbers."""

from __future__ import annotations

from .models import Did
from .rules import numbers_meant


def did_of(dialed: str) -> Did | None:
    """The number that a caller dialed, whoever's it is, with its queue and tenant; None when it is nobody's here."""
    meant = numbers_meant(dialed)
    rows = Did.objects.across_tenants().filter(phone__in=meant).select_related("queue", "tenant")
    found = {did.phone: did for did in rows}
    return next((found[number] for number in meant if number in found), None)
