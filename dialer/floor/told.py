"""What a supervisor tells agents: one, a team, or everybody on the floor. It shows on their desks at once."""

from __future__ import annotations

from django.db import transaction
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from dialer.agents.services import DESK, NotNow
from dialer.core import audit
from dialer.core.clock import now
from dialer.core.language import speaking
from dialer.core.models import TenantQuerySet
from dialer.live import publish
from dialer.people.models import User

from .models import FloorMessage, MessageReceipt


def tell(*, by: User, sessions: TenantQuerySet, to: str, text: str) -> FloorMessage:
    """Send a text to the agents of these open sessions; `to` says in words who they are. Raises NotNow."""
    text = " ".join(text.replace("\0", "").split())[:500]
    if not text:
        raise NotNow(_("Write what they are to read."))
    with transaction.atomic():
        users = sorted(set(sessions.values_list("user_id", flat=True)) - {by.pk})
        if not users:
            raise NotNow(_("Nobody of them is on the floor now."))
        message = FloorMessage.objects.create(tenant_id=by.tenant_id, sender=by, to=to[:120], text=text, at=now())
        MessageReceipt.objects.bulk_create(
            MessageReceipt(tenant_id=message.tenant_id, message=message, user_id=pk) for pk in users
        )
        told = {"to": to[:120], "agents": len(users)}
        audit.record(tenant_id=message.tenant_id, actor=by, action="message", subject=str(message.public_id), data=told)
        for pk, language in User.objects.filter(pk__in=users).values_list("pk", "language"):
            with speaking(language):
                html = render_to_string("floor/_message.html", {"told": message, "pushed": True})
            publish.tell(DESK, pk, html)
    assert isinstance(message, FloorMessage)
    return message


def unread(user: User) -> list[FloorMessage]:
    """What the user has not said to have read, oldest first; the newest twenty."""
    rows = MessageReceipt.objects.for_tenant(user.tenant_id).filter(user=user, seen_at=None)
    newest = rows.select_related("message__sender").order_by("-message__at")[:20]
    return [one.message for one in reversed(newest)]


def seen(*, user: User, message: FloorMessage) -> None:
    """The user has read it. Doing it twice is once."""
    rows = MessageReceipt.objects.for_tenant(user.tenant_id).filter(user=user, message=message, seen_at=None)
    rows.update(seen_at=now())
