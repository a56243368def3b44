"""Wallboards for a screen on the wall: signed links that open without signing in, expire, and can be revoked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.core import signing
from django.db import transaction
from django.utils.translation import gettext

from dialer.campaigns.models import Campaign
from dialer.core import audit
from dialer.core.clock import now
from dialer.core.models import TenantQuerySet
from dialer.live.shared import NoSuch
from dialer.people.models import User

from .models import TvLink
from .panel import Panel, one_panel, panel_of, visible
from .reading import Floor
from .scope import reader_of, scope_of

_signer = signing.Signer(salt="cordboard.floor.tv")
ROTATE_S = 15
"""Seconds per campaign where no link says another number."""


@dataclass(frozen=True, slots=True)
class TvView:
    """What a TV goes through: a panel of all campaigns, then one for each."""

    at: datetime
    panels: list[Panel]

    def digest(self) -> str:
        """All that shows, without the moment."""
        return str([one.digest() for one in self.panels])


def make(*, by: User, name: str, days: int, rotate_s: int, campaigns: Sequence[Campaign]) -> TvLink:
    """Make a link that shows what `by` may see, or only these campaigns, for `days` days."""
    moment = now()
    with transaction.atomic():
        link = TvLink.objects.create(
            tenant_id=by.tenant_id,
            name=name,
            team_id=scope_of(by).team_id,
            rotate_s=rotate_s,
            made_by=by,
            made_at=moment,
            expires_at=moment + timedelta(days=days),
        )
        link.campaigns.set(campaigns)
        told = {"name": name, "days": days}
        audit.record(tenant_id=link.tenant_id, actor=by, action="tv.made", subject=str(link.public_id), data=told)
    assert isinstance(link, TvLink)
    return link


def revoke(*, by: User, link: TvLink) -> None:
    """End a link; screens that show it go dark within seconds. Doing it twice is once."""
    with transaction.atomic():
        if TvLink.objects.for_tenant(link.tenant_id).filter(pk=link.pk, revoked_at=None).update(revoked_at=now()):
            audit.record(tenant_id=link.tenant_id, actor=by, action="tv.revoked", subject=str(link.public_id))


def links_of(user: User) -> TenantQuerySet:
    """The links that somebody may see and revoke: a supervisor with a team those of the team, others all."""
    rows, team = TvLink.objects.for_tenant(user.tenant_id), scope_of(user).team_id
    return rows if team is None else rows.filter(team_id=team)


def token_of(link: TvLink) -> str:
    """What its address carries."""
    return _signer.sign(str(link.public_id))


def link_of(token: str) -> TvLink | None:
    """The link of a token; None when it is not ours, has expired or was revoked."""
    try:
        public_id = UUID(_signer.unsign(token))
    except (signing.BadSignature, ValueError):
        return None
    rows = TvLink.objects.across_tenants().select_related("tenant", "made_by")
    found = rows.filter(public_id=public_id, revoked_at=None, expires_at__gt=now(), made_by__is_active=True).first()
    assert found is None or isinstance(found, TvLink)
    return found


def authorise(user: Any, query: Mapping[str, str]) -> str:
    """Key: tenant.team.link, 0 for none. With a token nobody needs to be signed in."""
    if token := query.get("link", ""):
        link = link_of(token)
        if link is None:
            raise NoSuch
        return f"{link.tenant_id}.{link.team_id or 0}.{link.pk}"
    scope = reader_of(user)
    return f"{scope.tenant_id}.{scope.team_id or 0}.0"


def view_of(floor: Floor, team_id: int | None, link_id: int) -> TvView:
    """The panels that a TV shows; of a link that names campaigns, only those."""
    campaigns = visible(floor, team_id)
    if link_id:
        rows = TvLink.campaigns.through.objects.filter(tvlink_id=link_id).values_list("campaign_id", flat=True)
        if chosen := set(rows):
            campaigns = [one for one in campaigns if one.pk in chosen]
    whole = panel_of(floor, campaigns, team_id, key="all", name=gettext("All campaigns"))
    each = [one_panel(floor, one, team_id) for one in campaigns if one.status == "active"]
    return TvView(floor.at, [whole, *each] if len(campaigns) != 1 else each or [whole])
