"""The site's addresses; each app brings its own."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path

from dialer.floor.tv_views import by_link
from dialer.health.views import metrics_page, readyz
from dialer.people.views import healthz, home

handler500 = "dialer.core.outage.server_error"
urlpatterns: list[URLPattern | URLResolver] = [
    path("", home, name="home"),
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
    path("metrics", metrics_page, name="metrics"),
    path("", include("dialer.people.urls")),
    path("desk/", include("dialer.desk.urls")),
    path("floor/", include("dialer.floor.urls")),
    path("tv/<str:token>/", by_link, name="floor-tv"),
    path("calls/", include("dialer.calls.urls")),
    path("agents/", include("dialer.agents.urls")),
    path("", include("dialer.campaigns.urls")),
    path("", include("dialer.inbound.urls")),
    path("", include("dialer.handling.urls")),
    path("", include("dialer.whatif.urls")),
    path("", include("dialer.planning.urls")),
    path("", include("dialer.leads.urls")),
    path("", include("dialer.compliance.urls")),
    path("", include("dialer.privacy.urls")),
]
