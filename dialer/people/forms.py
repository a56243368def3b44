"""Forms of sign-in, users and teams."""

from __future__ import annotations

from django.contrib.auth.forms import AuthenticationForm


class SignInForm(AuthenticationForm):
    """User name and password; every failure reads the same, so that names cannot be fished for."""

    error_messages = {
        "invalid_login": "That user name and password do not go together. Check both; capitals count.",
        "inactive": "That user name and password do not go together. Check both; capitals count.",
    }
