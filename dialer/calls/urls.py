"""Addresses of the records of calls."""

from __future__ import annotations

from django.urls import path

from . import pacing_views, recycling_views, views

app_name = "calls"
urlpatterns = [
    path("", views.index, name="list"),
    path("pacing/<uuid:public_id>/", pacing_views.panel, name="pacing"),
    path("recycling/<uuid:public_id>/", recycling_views.rules, name="recycling"),
    path("<uuid:call_id>/", views.detail, name="detail"),
    path("<uuid:call_id>/recording/", views.recording, name="recording"),
]
