"""The other numbers of a lead, as people write them: added and taken away one at a time."""

from __future__ import annotations

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from dialer.core.language import translated
from dialer.core.numbers import NotANumber, parse_number

from .models import Lead, LeadNumber

MOST = 10
"""So many other numbers a lead may have."""


class CannotAdd(Exception):
    """Why a number was not added, in words for the one who typed it."""


def add(*, lead: Lead, text: str, kind: str, region: str) -> LeadNumber:
    """Add what was typed, of a kind of NumberKind. Raises CannotAdd."""
    try:
        phone = parse_number(text, region)
    except NotANumber as error:
        raise CannotAdd(translated(error.args[0])) from error
    if phone == lead.phone:
        raise CannotAdd(_("This is the number that is called already."))
    try:
        with transaction.atomic():
            Lead.objects.for_tenant(lead.tenant_id).select_for_update(no_key=True).get(pk=lead.pk)
            if LeadNumber.objects.for_tenant(lead.tenant_id).filter(lead=lead).count() >= MOST:
                raise CannotAdd(_("A customer can have %(most)s other numbers. Take one away first.") % {"most": MOST})
            return LeadNumber.objects.create(tenant_id=lead.tenant_id, lead=lead, phone=phone, kind=kind)
    except IntegrityError as error:
        raise CannotAdd(_("This number is on the card already.")) from error


def remove(*, number: LeadNumber) -> None:
    """Take a number away; one that is gone already is no error."""
    LeadNumber.objects.for_tenant(number.tenant_id).filter(pk=number.pk).delete()
