"""Forms of sign-in, users and teams."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth import password_validation
from django.contrib.auth.forms import AuthenticationForm

from dialer.core.forms import TenantForm

from .models import Role, Team, Tenant, User


class SignInForm(AuthenticationForm):
    """User name and password; every failure reads the same, so that names cannot be fished for."""

    error_messages = {
        "invalid_login": "That user name and password do not go together. Check both; capitals count.",
        "inactive": "That user name and password do not go together. Check both; capitals count.",
    }


class PasswordMixin(forms.Form):
    """A new password, checked against the installation's rules."""

    password = forms.CharField(
        strip=False,
        label="New password",
        help_text="At least 10 characters, and none of those that everybody uses.",
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def clean_password(self) -> str:
        """Refuse a weak password, saying why."""
        password: str = self.cleaned_data["password"]
        password_validation.validate_password(password)
        return password


class UserForm(forms.ModelForm):
    """What an admin sets of a user of their tenant."""

    class Meta:
        model = User
        fields = ("username", "first_name", "last_name", "role", "team", "endpoint", "is_active")
        labels = {"username": "User name", "endpoint": "Phone account", "is_active": "May sign in"}
        help_texts = {
            "username": "What the person signs in with.",
            "endpoint": (
                "The SIP account of the person's phone: lower-case letters, digits, - and _. Its secret is made here; "
                "the person sees it on their desk. Empty: no phone."
            ),
            "is_active": "Take this away instead of deleting somebody: their records stay.",
            "team": "",
        }

    def __init__(self, *args: Any, tenant: Tenant, by: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.by = by
        if self.instance.pk is None:
            self.instance.tenant = tenant
        teams: Any = self.fields["team"]
        teams.queryset = Team.objects.for_tenant(tenant).order_by("name")
        teams.empty_label = "No team"

    def clean_endpoint(self) -> str:
        """A phone account belongs to one person."""
        endpoint: str = self.cleaned_data["endpoint"]
        if endpoint and User.objects.filter(endpoint=endpoint).exclude(pk=self.instance.pk).exists():
            raise forms.ValidationError(f"The phone account “{endpoint}” is somebody's already. Choose another.")
        return endpoint

    def clean_role(self) -> str:
        """Nobody takes their own keys away."""
        role: str = self.cleaned_data["role"]
        if self.instance.pk == self.by.pk and role != Role.ADMIN:
            raise forms.ValidationError("You cannot take your own admin role away. Ask another admin.")
        return role

    def clean_is_active(self) -> bool:
        """Nobody locks themselves out."""
        active: bool = self.cleaned_data["is_active"]
        if self.instance.pk == self.by.pk and not active:
            raise forms.ValidationError("You cannot lock yourself out. Ask another admin.")
        return active


class NewUserForm(PasswordMixin, UserForm):
    """A user who is made now, with a first password."""

    field_order = ("username", "password", "first_name", "last_name", "role", "team", "endpoint", "is_active")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password"].label = "First password"


class NewPasswordForm(PasswordMixin):
    """A new password for somebody else."""


class TeamForm(TenantForm):
    """The name of a team."""

    thing = "a team"

    class Meta:
        model = Team
        fields = ("name",)
