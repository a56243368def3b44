"""TV mode: the wallboard in large type, for who is signed in or by a signed link; and the links themselves."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from dialer.people.access import fetch, reader, supervisor, tenants_clock, user_of

from . import tv
from .reading import read_floor
from .scope import Scope, scope_of


class TvLinkForm(forms.Form):
    """A new link."""

    name = forms.CharField(label=lazy("Where it hangs"), max_length=80)
    days = forms.IntegerField(label=lazy("Good for days"), min_value=1, max_value=366, initial=30)
    rotate_s = forms.IntegerField(label=lazy("Seconds per campaign"), min_value=5, max_value=300, initial=tv.ROTATE_S)
    campaigns: Any = forms.ModelMultipleChoiceField(None, label=lazy("Campaigns (none chosen: all)"), required=False)

    def __init__(self, *args: Any, scope: Scope, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["campaigns"].queryset = scope.campaigns().order_by("name")  # type: ignore[attr-defined]


@reader
@require_GET
def show(request: HttpRequest) -> HttpResponse:
    """TV mode for who is signed in."""
    scope = scope_of(user_of(request))
    view = tv.view_of(read_floor(scope.tenant_id), scope.team_id, 0)
    return render(request, "floor/tv.html", {"tv": view, "rotate_s": tv.ROTATE_S, "socket": "", "sequence": 0})


@never_cache
@require_GET
def by_link(request: HttpRequest, token: str) -> HttpResponse:
    """TV mode by a signed link, without signing in; 404 once it has expired or was revoked."""
    link = tv.link_of(token)
    if link is None:
        raise Http404(_("This link is not good any more. Ask a supervisor for a new one."))
    with tenants_clock(link.tenant):
        view = tv.view_of(read_floor(link.tenant_id), link.team_id, link.pk)
        socket = "?" + urlencode({"link": token, "language": get_language() or ""})
        context = {"tv": view, "rotate_s": link.rotate_s, "socket": socket, "sequence": 0}
        return render(request, "floor/tv.html", context)


@supervisor
@require_http_methods(["GET", "POST"])
def links(request: HttpRequest) -> HttpResponse:
    """The links that there are, and a form for one more."""
    user = user_of(request)
    form = TvLinkForm(request.POST or None, scope=scope_of(user))
    if request.method == "POST" and form.is_valid():
        made = tv.make(by=user, **form.cleaned_data)
        address = request.build_absolute_uri(reverse("floor-tv", args=[tv.token_of(made)]))
        messages.success(request, _("Open this on the screen: %(address)s") % {"address": address})
        return redirect("floor:tv-links")
    rows = tv.links_of(user).select_related("made_by").order_by("-made_at")[:50]
    context = {"form": form, "links": [(one, tv.token_of(one)) for one in rows]}
    return render(request, "floor/tv_links.html", context)


@supervisor
@require_POST
def revoke(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """End a link."""
    user = user_of(request)
    link = fetch(request, tv.links_of(user), public_id=public_id)
    tv.revoke(by=user, link=link)
    messages.success(request, _("The link “%(name)s” is revoked.") % {"name": link.name})
    return redirect("floor:tv-links")
