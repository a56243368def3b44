"""Writes to users. The switch is told whenever a phone account comes, changes or goes."""

from __future__ import annotations

import secrets

from django.db import transaction

from dialer.telephony import outbox
from dialer.telephony.models import CommandKind

from .models import User

_OF_THE_PHONE = ("endpoint", "is_active", "first_name", "last_name", "username")


def save_user(*, user: User, changed: list[str], password: str | None = None) -> None:
    """Save a new or changed user; `changed` names the columns that differ. A phone account gets a secret of its own."""
    if "endpoint" in changed or (user.endpoint and not user.endpoint_secret):
        user.endpoint_secret = secrets.token_urlsafe(18) if user.endpoint else ""
    if password is not None:
        user.set_password(password)
    with transaction.atomic():
        user.save()
        if any(name in changed for name in _OF_THE_PHONE):
            _provision(user)


def new_secret(*, user: User) -> None:
    """Give a user's phone account another secret; the phone must be registered again with it."""
    user.endpoint_secret = secrets.token_urlsafe(18) if user.endpoint else ""
    with transaction.atomic():
        user.save(update_fields=["endpoint_secret"])
        _provision(user)


def set_password(*, user: User, password: str) -> None:
    """Give somebody a new password; every browser that they are signed in with is signed out."""
    user.set_password(password)
    user.save(update_fields=["password"])


def save_preferences(*, user: User) -> None:
    """Save what a user chose for themselves: nothing else of the row is written."""
    user.save(update_fields=["language", "theme", "contrast", "shortcuts_off", "shortcuts"])


def speak(*, user: User, language: str) -> None:
    """Keep a language for a user, e.g. the one that they signed in with."""
    user.language = language
    user.save(update_fields=["language"])


def _provision(user: User) -> None:
    assert user.tenant_id is not None
    outbox.send(tenant_id=user.tenant_id, kind=CommandKind.PROVISION)
