"""The phone in the agent's browser: what its page needs to register, and its word that it has."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import get_language
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from dialer.agents import services as agents
from dialer.agents.models import AgentSession, PhoneKind
from dialer.core.clock import now
from dialer.core.language import translated
from dialer.core.words import _
from dialer.people.access import member, user_of
from dialer.people.models import User
from dialer.telephony.port import leg_of

BROWSER_PHONE = "browser-phone"
"""Key in the web session of somebody who joined with a browser phone: nobody else's pages look for one."""
TURN_LASTS_S = 14 * 3600
"""How long a TURN account that is made here may be used: a shift."""


WORDS = (
    _("Line good"),
    _("Line fair"),
    _("Line poor"),
    _("there and back"),
    _("lost"),
    _("The phone is in another tab"),
    _("Starting the phone"),
    _("Leave and join again to use this phone"),
    _("No microphone: plug one in, then reload the page"),
    _("Allow this page to use the microphone, then reload it"),
    _("The phone could not start: reload the page"),
    _("Connecting the phone"),
    _("Coming on the line"),
    _("The phone is off"),
    _("Muted: nobody hears you"),
    _("On the line"),
    _("Off the line"),
    _("End the echo test"),
    _("Echo test"),
    _("Device"),
    _("Simulated switch: there is no sound"),
    _("This browser gives a page the microphone only over https"),
)
"""What static/js/phone.js says."""


def browser_session(user: User) -> AgentSession | None:
    """The session that this user works in with a browser phone, if any."""
    rows = AgentSession.objects.for_tenant(user.tenant_id).filter(user=user, ended_at=None, phone=PhoneKind.BROWSER)
    return rows.only("public_id", "endpoint", "phone_secret").first()


def words() -> dict[str, str]:
    """What the page's phone says, by the English that its script has; nothing where the page is English."""
    if get_language() in (None, "en"):
        return {}
    return {word: translated(word) for word in WORDS}


def ice_servers(session: UUID) -> list[dict[str, Any]]:
    """STUN and TURN servers as RTCPeerConnection takes them.

    With TURN_SECRET the account is made for this session and dies with the shift, as coturn's `use-auth-secret` expects
    (draft-uberti-behave-turn-rest-00): user name "expiry:name", password base64(HMAC-SHA1(secret, user name)).
    """
    servers: list[dict[str, Any]] = [{"urls": settings.STUN_URLS}] if settings.STUN_URLS else []
    if settings.TURN_URLS:
        name, password = settings.TURN_USERNAME, settings.TURN_PASSWORD
        if settings.TURN_SECRET:
            name = f"{int(now().timestamp()) + TURN_LASTS_S}:{session.hex}"
            digest = hmac.new(settings.TURN_SECRET.encode(), name.encode(), hashlib.sha1).digest()
            password = base64.b64encode(digest).decode()
        servers.append({"urls": settings.TURN_URLS, "username": name, "credential": password})
    return servers


@member
@require_GET
@never_cache
def account(request: HttpRequest) -> HttpResponse:
    """The SIP account of this user's session, for the page's script alone; 404 when there is none."""
    session = browser_session(user_of(request))
    if session is None:
        return HttpResponse(status=404)
    return JsonResponse(
        {
            "user": session.endpoint,
            "secret": session.phone_secret,
            "leg": leg_of(session.public_id),
            "socket": settings.PHONE_SOCKET_URL,
            "ice": ice_servers(session.public_id),
        }
    )


@member
@require_POST
def here(request: HttpRequest) -> HttpResponse:
    """The page's phone is registered: have it called. 409 when the session is over."""
    session = browser_session(user_of(request))
    if session is None:
        return HttpResponse(status=409)
    request.session[BROWSER_PHONE] = True  # also of a browser that took over from one that is gone
    try:
        agents.browser_phone_is_here(session_id=session.pk)
    except agents.NotNow:
        return HttpResponse(status=409)
    return HttpResponse(status=204)
