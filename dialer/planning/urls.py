"""Addresses of the checklist and the dry run."""

from __future__ import annotations

from django.urls import path

from . import views

app_name = "planning"
urlpatterns = [
    path("campaigns/<uuid:public_id>/checklist/", views.points, name="checklist"),
    path("campaigns/<uuid:public_id>/dry-run/", views.dry, name="dry-run"),
]
