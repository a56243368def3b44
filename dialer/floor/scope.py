"""What a viewer may see and touch: their tenant's floor, or their team's part of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dialer.agents.models import AgentSession
from dialer.campaigns.selectors import seen_in
from dialer.core.models import TenantQuerySet
from dialer.live.shared import SignIn
from dialer.live.topics import Refused
from dialer.people.access import LEADERS, READERS, team_limit


@dataclass(frozen=True, slots=True)
class Scope:
    """A tenant, or one team of it: agents of that team, campaigns that the team works in."""

    tenant_id: int
    team_id: int | None = None

    def campaigns(self) -> TenantQuerySet:
        """The campaigns in it."""
        return seen_in(self.tenant_id, self.team_id)

    def sessions(self) -> TenantQuerySet:
        """The open sessions of the agents in it."""
        rows = AgentSession.objects.for_tenant(self.tenant_id).filter(ended_at=None)
        return rows if self.team_id is None else rows.filter(user__team_id=self.team_id)


def scope_of(user: Any) -> Scope:
    """A supervisor with a team sees that team; without one, and admins and managers, all of the tenant."""
    return Scope(user.tenant_id, team_limit(user))


def reader_of(user: Any) -> Scope:
    """The scope of a viewer of boards; raises SignIn or Refused for whoever may not look."""
    if not user.is_authenticated:
        raise SignIn
    if not user.is_active or user.tenant_id is None or user.role not in READERS:
        raise Refused
    return scope_of(user)


def leads(user: Any) -> bool:
    """Whether the user may change what happens on the floor (managers only look)."""
    return user.role in LEADERS
