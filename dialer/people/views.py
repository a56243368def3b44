"""Signing in and out, and where each role's day begins."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth import login, logout
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render, resolve_url
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from dialer.core.language import known

from . import services
from .access import user_of
from .forms import SignInForm
from .language import chosen_here
from .models import Role

_HOME = {
    Role.AGENT: "desk:desk",
    Role.SUPERVISOR: "campaigns:list",
    Role.ADMIN: "campaigns:list",
    Role.MANAGER: "calls:list",
}


@sensitive_post_parameters("password")
@never_cache
@require_http_methods(["GET", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """Show the form; on the right password go where the user was headed, else home."""
    if request.user.is_authenticated and request.method == "GET":
        return redirect("home")
    form = SignInForm(request, data=request.POST or None)
    following = request.POST.get("next", request.GET.get("next", ""))
    if request.method == "POST" and form.is_valid():
        user = form.get_user()
        language = chosen_here(request) or user.language or known(get_language() or "")
        if language != user.language:
            services.speak(user=user, language=language)
        login(request, user)
        return HttpResponseRedirect(_own_address(request, following) or resolve_url("home"))
    context = {
        "form": form,
        "next": following,
        "demo": settings.DEMO,
        "languages": settings.LANGUAGES,
        "chosen_language": chosen_here(request),
    }
    return render(request, "people/sign_in.html", context)


def _own_address(request: HttpRequest, address: str) -> str:
    ours = url_has_allowed_host_and_scheme(
        address, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return address if ours else ""


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """End the browser's session. (An agent's session in a campaign ends by leaving it, or by the screen's absence.)"""
    logout(request)
    return redirect("people:sign-in")


@require_GET
def home(request: HttpRequest) -> HttpResponse:
    """Go where this role's day begins."""
    if not request.user.is_authenticated:
        return redirect("people:sign-in")
    user = user_of(request)
    if user.tenant_id is None:
        raise PermissionDenied(_("Your account belongs to no tenant, so there is nothing to show."))
    return redirect(_HOME[Role(user.role)])


@never_cache
@require_GET
def healthz(request: HttpRequest) -> HttpResponse:
    """200 when this process serves and the database answers, else 503."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return HttpResponse("the database does not answer", status=503, content_type="text/plain")
    return HttpResponse("ok", content_type="text/plain")
