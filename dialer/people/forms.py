"""Forms of sign-in, users and teams."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.contrib.auth import password_validation
from django.contrib.auth.forms import AuthenticationForm
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from dialer.core.forms import TenantForm

from . import shortcuts
from .models import Role, Team, Tenant, User


class SignInForm(AuthenticationForm):
    """User name and password; every failure reads the same, so that names cannot be fished for."""

    error_messages = {
        "invalid_login": _("That user name and password do not go together. Check both; capitals count."),
        "inactive": _("That user name and password do not go together. Check both; capitals count."),
    }


class PreferencesForm(forms.ModelForm):
    """What people choose for themselves: language, colours, keys."""

    class Meta:
        model = User
        fields = ("language", "theme", "contrast", "shortcuts_off")
        labels = {
            "language": _("Language"),
            "theme": _("Light or dark"),
            "contrast": _("Contrast"),
            "shortcuts_off": _("Switch single-key shortcuts off"),
        }
        help_texts = {
            "language": "",
            "shortcuts_off": _("For instance because a screen reader or speech control uses the keys. Ctrl-K stays."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        language: Any = self.fields["language"]
        language.choices = [("", _("As the installation says")), *settings.LANGUAGES]
        for action, words in shortcuts.ACTIONS.items():
            self.fields[self._name(action)] = forms.CharField(
                label=gettext(words),
                max_length=1,
                initial=self.instance.shortcuts.get(action, action),
                widget=forms.TextInput(attrs={"class": "key", "autocomplete": "off", "autocapitalize": "none"}),
            )

    @staticmethod
    def _name(action: str) -> str:
        return f"key_{action}"

    def key_fields(self) -> list[Any]:
        """The fields of the keys, for the template."""
        return [self[self._name(action)] for action in shortcuts.ACTIONS]

    def own_fields(self) -> list[Any]:
        """The other fields."""
        return [self[name] for name in self.Meta.fields]

    def clean(self) -> dict[str, Any]:
        """Each action has a key of its own; they become the user's `shortcuts`."""
        data = super().clean() or {}
        names = {action: self._name(action) for action in shortcuts.ACTIONS}
        keys = {action: data[name].lower() for action, name in names.items() if name in data}
        for action, fault in shortcuts.faults(keys).items():
            self.add_error(names[action], gettext(fault))
        self.instance.shortcuts = shortcuts.clean(keys)
        return data


class PasswordMixin(forms.Form):
    """A new password, checked against the installation's rules."""

    password = forms.CharField(
        strip=False,
        label=_("New password"),
        help_text=_("At least 10 characters, and none of those that everybody uses."),
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
        labels = {
            "username": _("User name"),
            "first_name": _("First name"),
            "last_name": _("Last name"),
            "role": _("Role"),
            "team": _("Team"),
            "endpoint": _("Phone account"),
            "is_active": _("May sign in"),
        }
        help_texts = {
            "username": _("What the person signs in with."),
            "endpoint": _(
                "The SIP account of the person's phone: lower-case letters, digits, - and _. Its secret is made here; "
                "the person sees it on their desk. Empty: no phone."
            ),
            "is_active": _("Take this away instead of deleting somebody: their records stay."),
            "team": "",
        }

    def __init__(self, *args: Any, tenant: Tenant, by: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.by = by
        if self.instance.pk is None:
            self.instance.tenant = tenant
        teams: Any = self.fields["team"]
        teams.queryset = Team.objects.for_tenant(tenant).order_by("name")
        teams.empty_label = _("No team")

    def clean_endpoint(self) -> str:
        """A phone account belongs to one person."""
        endpoint: str = self.cleaned_data["endpoint"]
        if endpoint and User.objects.filter(endpoint=endpoint).exclude(pk=self.instance.pk).exists():
            raise forms.ValidationError(
                gettext("The phone account “%(account)s” is somebody's already. Choose another.")
                % {"account": endpoint}
            )
        return endpoint

    def clean_role(self) -> str:
        """Nobody takes their own keys away."""
        role: str = self.cleaned_data["role"]
        if self.instance.pk == self.by.pk and role != Role.ADMIN:
            raise forms.ValidationError(_("You cannot take your own admin role away. Ask another admin."))
        return role

    def clean_is_active(self) -> bool:
        """Nobody locks themselves out."""
        active: bool = self.cleaned_data["is_active"]
        if self.instance.pk == self.by.pk and not active:
            raise forms.ValidationError(_("You cannot lock yourself out. Ask another admin."))
        return active


class NewUserForm(PasswordMixin, UserForm):
    """A user who is made now, with a first password."""

    field_order = ("username", "password", "first_name", "last_name", "role", "team", "endpoint", "is_active")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password"].label = _("First password")


class NewPasswordForm(PasswordMixin):
    """A new password for somebody else."""


class TeamForm(TenantForm):
    """The name of a team."""

    thing = "a team"

    class Meta:
        model = Team
        fields = ("name",)
        labels = {"name": _("Name")}
