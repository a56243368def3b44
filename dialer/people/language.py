"""Which language a page is in: the user's own choice; before signing in, what the page or the browser asks for."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.utils import translation
from django.utils.cache import patch_vary_headers
from django.utils.deprecation import MiddlewareMixin

from dialer.core.language import known

from .models import User

PARAMETER = "language"
"""Of the address or form of a page before sign-in: the language chosen there."""


class LanguageMiddleware(MiddlewareMixin):
    """Answer each request in one language. It stands after the middleware that knows the user."""

    def process_request(self, request: HttpRequest) -> None:
        """Speak the language of this request."""
        translation.activate(known(language_of(request)) or settings.LANGUAGE_CODE)

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """Say which language it was, and stop speaking it: the thread is used for other things, too."""
        response.headers.setdefault("Content-Language", translation.get_language() or "")
        if not request.user.is_authenticated:
            patch_vary_headers(response, ["Accept-Language"])
        translation.deactivate()
        return response


def language_of(request: HttpRequest) -> str:
    """The code of the language to answer in."""
    if isinstance(request.user, User):
        return request.user.language
    return chosen_here(request) or translation.get_language_from_request(request)


def chosen_here(request: HttpRequest) -> str:
    """The language that the page itself was asked for in, or ""."""
    return known(request.POST.get(PARAMETER, "") or request.GET.get(PARAMETER, ""))
