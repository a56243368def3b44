"""Users and teams, for admins."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from . import services
from .access import admin, fetch, owned, tenant_of, user_of
from .forms import NewPasswordForm, NewUserForm, TeamForm, UserForm
from .models import Team, User


def _user(request: HttpRequest, public_id: UUID) -> User:
    return get_object_or_404(User, tenant=tenant_of(request), public_id=public_id)


@admin
@require_GET
def users(request: HttpRequest) -> HttpResponse:
    """Everybody of the tenant."""
    rows = User.objects.filter(tenant=tenant_of(request)).select_related("team")
    return render(request, "people/users.html", {"users": rows.order_by("-is_active", "first_name", "username")})


@admin
@sensitive_post_parameters("password")
@require_http_methods(["GET", "POST"])
def user_create(request: HttpRequest) -> HttpResponse:
    """Make a user, with a first password and (if named) a phone account."""
    form = NewUserForm(
        request.POST or None, tenant=tenant_of(request), by=user_of(request), initial={"is_active": True}
    )
    if request.method == "POST" and form.is_valid():
        made = form.save(commit=False)
        services.save_user(user=made, changed=form.changed_data, password=form.cleaned_data["password"])
        messages.success(
            request, _("%(name)s may sign in as “%(login)s”.") % {"name": made.shown_name, "login": made.username}
        )
        return redirect("people:users")
    return render(request, "people/user_form.html", {"form": form})


@admin
@require_http_methods(["GET", "POST"])
def user_edit(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Change a user."""
    chosen = _user(request, public_id)
    form = UserForm(request.POST or None, instance=chosen, tenant=tenant_of(request), by=user_of(request))
    if request.method == "POST" and form.is_valid():
        services.save_user(user=form.save(commit=False), changed=form.changed_data)
        messages.success(request, _("%(name)s is saved.") % {"name": form.instance.shown_name})
        return redirect("people:users")
    return render(request, "people/user_form.html", {"form": form, "chosen": chosen})


@admin
@sensitive_post_parameters("password")
@require_http_methods(["GET", "POST"])
def user_password(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Give somebody a new password."""
    chosen = _user(request, public_id)
    form = NewPasswordForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        services.set_password(user=chosen, password=form.cleaned_data["password"])
        messages.success(
            request, _("%(name)s has a new password, and is signed out everywhere.") % {"name": chosen.shown_name}
        )
        return redirect("people:user-edit", public_id)
    return render(request, "people/user_password.html", {"form": form, "chosen": chosen})


@admin
@require_POST
def user_new_secret(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Give somebody's phone account another secret."""
    chosen = _user(request, public_id)
    services.new_secret(user=chosen)
    messages.success(
        request,
        _("%(name)s's phone account has a new secret; it is shown on their desk.") % {"name": chosen.shown_name},
    )
    return redirect("people:user-edit", public_id)


@admin
@require_http_methods(["GET", "POST"])
def teams(request: HttpRequest) -> HttpResponse:
    """All teams, and a form for a new one."""
    form = TeamForm(request.POST or None, tenant=tenant_of(request))
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, _("“%(name)s” is made.") % {"name": form.instance.name})
        return redirect("people:teams")
    rows = owned(request, Team).annotate(people=Count("members")).order_by("name")
    return render(request, "people/teams.html", {"teams": rows, "form": form})


@admin
@require_http_methods(["GET", "POST"])
def team(request: HttpRequest, pk: int) -> HttpResponse:
    """Change a team's name."""
    chosen = fetch(request, Team, pk=pk)
    form = TeamForm(request.POST or None, instance=chosen, tenant=tenant_of(request))
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, _("“%(name)s” is saved.") % {"name": form.instance.name})
        return redirect("people:teams")
    return render(request, "people/team.html", {"form": form, "team": chosen})
