"""Whole lists of numbers against the do-not-call lists, tens of thousands at a time: what an import leaves out.

The gate still asks about every call. This only keeps off a campaign's lists who could never be called for it.
"""

from __future__ import annotations

from collections.abc import Sequence

from dialer.campaigns.models import Campaign
from dialer.core import prepared
from dialer.core.clock import now

from . import national
from .facts import LISTED, terms_of
from .laws import Laws, Purpose
from .models import NationalList
from .rulebook import laws_for, regions_of_number

_CONSENTED = """
SELECT DISTINCT phone FROM compliance_consent
WHERE tenant_id = %(tenant)s AND phone = ANY(%(phones)s::text[]) AND revoked_at IS NULL
    AND (expires_at IS NULL OR expires_at > %(at)s)
"""


def never_dialed(campaign: Campaign, numbers: Sequence[int]) -> set[int]:
    """Those of the numbers (E.164 digits) that a campaign may not dial because of a list that they are on.

    That is the tenant's or the campaign's own list, or an official one that the law asks for where the number may be;
    somebody on an official list who gave a consent is left to the gate, which knows how far a consent reaches.
    """
    batch = {
        "tenant": campaign.tenant_id,
        "campaign": campaign.pk,
        "phones": [f"+{number}" for number in numbers],
        "at": now(),
    }
    found = {int(phone) for phone, _ in prepared.run(LISTED, batch)}
    official = _on_official(laws_for(Purpose(terms_of(campaign).purpose), False), numbers) - found
    if official:
        batch["phones"] = [f"+{number}" for number in official]
        official -= {int(phone) for (phone,) in prepared.run(_CONSENTED, batch)}
    return found | official


def _on_official(laws: Laws, numbers: Sequence[int]) -> set[int]:
    current = dict(NationalList.objects.filter(is_current=True).values_list("name", "pk"))
    if not current:
        return set()
    asked_of: dict[str, tuple[str, ...]] = {}
    wanted: dict[str, list[int]] = {}
    for number in numbers:
        digits = str(number)
        # In North America the area code says where a number belongs; elsewhere each is asked by itself.
        key = digits[:4] if digits[0] == "1" else digits
        names = asked_of.get(key)
        if names is None:
            rules = laws.of(regions_of_number(f"+{digits}")).national
            names = asked_of[key] = tuple({rule.list for rule in rules} & current.keys())
        for name in names:
            wanted.setdefault(name, []).append(number)
    found: set[int] = set()
    for name, those in wanted.items():
        found |= national.listed(current[name], those)
    return found
