"""What people choose for themselves: language, colours, keys."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from dialer.core.language import speaking

from . import services
from .access import member, user_of
from .forms import PreferencesForm
from .models import Theme


@member
@require_http_methods(["GET", "POST"])
def preferences(request: HttpRequest) -> HttpResponse:
    """The whole page; what is saved holds from the next page on, in every browser."""
    user = user_of(request)
    form = PreferencesForm(request.POST or None, instance=user)
    if request.method == "POST":
        if form.is_valid():
            services.save_preferences(user=user)
            with speaking(user.language):
                messages.success(request, _("Your preferences are saved."))
            return redirect("people:preferences")
        user.refresh_from_db()  # the page around the form is as it was
    return render(request, "people/preferences.html", {"form": form})


@member
@require_POST
def look(request: HttpRequest) -> HttpResponse:
    """Keep the theme that the button chose (`theme`: light, dark or empty)."""
    user = user_of(request)
    theme = request.POST.get("theme", "")
    if theme not in Theme.values:
        return HttpResponse(status=400)
    user.theme = theme
    services.save_preferences(user=user)
    return HttpResponse(status=204)


@member
@require_POST
def shortcuts(request: HttpRequest) -> HttpResponse:
    """Switch single-key shortcuts on (`on` is sent) or off."""
    user = user_of(request)
    user.shortcuts_off = "on" not in request.POST
    services.save_preferences(user=user)
    return HttpResponse(status=204)
