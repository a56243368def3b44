"""Who may see and do what: role decorators for views, and fetching only what the user's tenant owns.

A row of another tenant does not exist for a stranger (404); a role that is too low is told so (403).
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar, cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, resolve_url
from django.utils import timezone
from django.utils.cache import patch_cache_control
from django.utils.translation import gettext as _

from dialer.core.models import TenantQuerySet, TenantScoped

from .models import Role, Tenant, User

Params = ParamSpec("Params")
View = Callable[Concatenate[HttpRequest, Params], HttpResponseBase]
Row = TypeVar("Row", bound=TenantScoped)

READERS = frozenset({Role.SUPERVISOR, Role.ADMIN, Role.MANAGER})
LEADERS = frozenset({Role.SUPERVISOR, Role.ADMIN})
ADMINS = frozenset({Role.ADMIN})


def _for_roles(roles: frozenset[Role] | None) -> Callable[[View[Params]], View[Params]]:
    def decorate(view: View[Params]) -> View[Params]:
        @wraps(view)
        def checked(request: HttpRequest, *args: Params.args, **kwargs: Params.kwargs) -> HttpResponseBase:
            user = request.user
            if not user.is_authenticated:
                return _to_sign_in(request)
            if user.tenant is None:
                raise PermissionDenied(_("Your account belongs to no tenant, so there is nothing to show."))
            if roles is not None and user.role not in roles:
                raise PermissionDenied(_("Your role does not include this page. Ask an administrator if it should."))
            with tenants_clock(user.tenant):
                response = view(request, *args, **kwargs)
            patch_cache_control(response, private=True, no_store=True)
            return response

        return checked

    return decorate


def tenants_clock(tenant: Tenant) -> AbstractContextManager[None]:
    """Within it, times are shown on the tenant's clock."""
    try:
        return timezone.override(ZoneInfo(tenant.time_zone))
    except (ZoneInfoNotFoundError, ValueError):
        return timezone.override(None)


def _to_sign_in(request: HttpRequest) -> HttpResponse:
    """Send a page to the sign-in form; a fragment's request makes the whole page go there."""
    if getattr(request, "htmx", False):
        return HttpResponse(status=401, headers={"HX-Redirect": resolve_url(settings.LOGIN_URL)})
    return redirect_to_login(request.get_full_path())


def member(view: View[Params]) -> View[Params]:
    """Anybody who is signed in and belongs to a tenant."""
    return _for_roles(None)(view)


def reader(view: View[Params]) -> View[Params]:
    """Those who may read all of the tenant's records: managers, supervisors, admins."""
    return _for_roles(READERS)(view)


def supervisor(view: View[Params]) -> View[Params]:
    """Supervisors and admins."""
    return _for_roles(LEADERS)(view)


def admin(view: View[Params]) -> View[Params]:
    """Admins."""
    return _for_roles(ADMINS)(view)


def user_of(request: HttpRequest) -> User:
    """The signed-in user, typed; for views behind a decorator of this module."""
    return cast(User, request.user)


def tenant_of(request: HttpRequest) -> Tenant:
    """The signed-in user's tenant."""
    return cast(Tenant, user_of(request).tenant)


def owned(request: HttpRequest, model: type[Row]) -> TenantQuerySet:
    """All of the tenant's rows of a model."""
    return model.objects.for_tenant(user_of(request).tenant_id)


def fetch(request: HttpRequest, source: type[Row] | TenantQuerySet, **lookup: Any) -> Any:
    """One row of the user's tenant, or 404: what others own does not exist here."""
    rows = source if isinstance(source, TenantQuerySet) else owned(request, source)
    return get_object_or_404(rows, **lookup)


def team_limit(user: User) -> int | None:
    """The team that limits what somebody sees: a supervisor's own, if they have one. None: all of the tenant."""
    return user.team_id if user.role == Role.SUPERVISOR else None


def sees_numbers(user: User) -> bool:
    """Whether the user sees telephone numbers whole, as the tenant says for their role."""
    return user.sees_numbers
