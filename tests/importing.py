"""Imports in tests: a file's bytes carried through from the upload to its last row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from django.core.files.base import ContentFile

from dialer.campaigns.models import Campaign
from dialer.leads.importing import services
from dialer.leads.importing.models import Import
from dialer.people.models import User
from tests import factories


def no_scrub(campaign: Campaign, numbers: Sequence[int]) -> set[int]:
    """Nobody is on any list."""
    return set()


def draft(campaign: Campaign, data: bytes | str, *, name: str = "people.csv", user: User | None = None) -> Import:
    """A file that was uploaded."""
    raw = data.encode() if isinstance(data, str) else data
    return services.upload(
        campaign=campaign, user=user or factories.make_user(campaign.tenant, "admin"), file=ContentFile(raw, name=name)
    )


def confirmed(campaign: Campaign, data: bytes | str, *, name: str = "people.csv", **values: Any) -> Import:
    """A file that waits for its turn; `values` are the import's settings."""
    made = draft(campaign, data, name=name)
    user = made.made_by
    assert user is not None
    values = {"list_name": "North", **values}
    mapping = values.pop("mapping", {int(place): target for place, target in made.mapping.items()})
    services.settle(of=made, mapping=mapping, values=values)
    services.confirm(of=made, user=user)
    return made


def imported(
    campaign: Campaign,
    data: bytes | str,
    *,
    scrub: Callable[[Campaign, Sequence[int]], set[int]] = no_scrub,
    **values: Any,
) -> Import:
    """What came of a file."""
    made = confirmed(campaign, data, **values)
    services.work_off(scrub)
    made.refresh_from_db()
    return made


def counts(of: Import) -> dict[str, int]:
    """The counts that are not nought."""
    names = ("added", "updated", "moved", "skipped", "on_dnc", "refused")
    return {name: count for name in names if (count := getattr(of, name))}


def messages(of: Import) -> dict[int, str]:
    """The refused rows and why."""
    return dict(of.problems.values_list("row", "message"))
