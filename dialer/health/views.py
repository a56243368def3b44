"""/readyz and /metrics: for load balancers and Prometheus, not for people."""

from __future__ import annotations

from ipaddress import ip_address

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET
from prometheus_client import CONTENT_TYPE_LATEST

from . import metrics, ready


@never_cache
@require_GET
def readyz(request: HttpRequest) -> HttpResponse:
    """200 when calls can be dialed and served, else 503: the database, Redis, a leading switchboard, its switch.

    A web that is not ready still serves pages: take it out of a rotation by /healthz, use this to alert and to deploy.
    """
    found = ready.checks()
    return JsonResponse(found, status=200 if all(word == "ok" for word in found.values()) else 503)


@never_cache
@require_GET
def metrics_page(request: HttpRequest) -> HttpResponse:
    """Prometheus' text format, for those who bring METRICS_TOKEN, or (without one) for this machine alone."""
    if not _may_scrape(request):
        raise Http404
    return HttpResponse(metrics.text(), content_type=CONTENT_TYPE_LATEST)


def _may_scrape(request: HttpRequest) -> bool:
    if settings.METRICS_TOKEN:
        return constant_time_compare(request.headers.get("Authorization", ""), f"Bearer {settings.METRICS_TOKEN}")
    if request.headers.get("X-Forwarded-For") or request.headers.get("Forwarded"):
        return False  # the proxy is on this machine, whoever asks through it is not
    try:
        return ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False
