"""Addresses of the records of calls."""

from __future__ import annotations

from django.urls import path

from . import caller_id_views, pacing_views, recycling_views, views

app_name = "calls"
urlpatterns = [
    path("", views.index, name="list"),
    path("pacing/<uuid:public_id>/", pacing_views.panel, name="pacing"),
    path("caller-ids/", caller_id_views.pools, name="caller-pools"),
    path("caller-ids/<uuid:public_id>/", caller_id_views.pool, name="caller-pool"),
    path("caller-ids/<uuid:public_id>/edit/", caller_id_views.pool_edit, name="caller-pool-edit"),
    path("caller-ids/<uuid:public_id>/delete/", caller_id_views.pool_delete, name="caller-pool-delete"),
    path("caller-ids/numbers/<int:pk>/", caller_id_views.number, name="caller-number"),
    path("caller-ids/numbers/<int:pk>/delete/", caller_id_views.number_delete, name="caller-number-delete"),
    path("recycling/<uuid:public_id>/", recycling_views.rules, name="recycling"),
    path("<uuid:call_id>/", views.detail, name="detail"),
    path("<uuid:call_id>/recording/", views.recording, name="recording"),
]
