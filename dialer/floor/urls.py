"""Addresses of the floor."""

from __future__ import annotations

from django.urls import path

from . import views

app_name = "floor"
urlpatterns = [
    path("", views.wallboard, name="wallboard"),
    path("campaign/<uuid:public_id>/", views.wallboard, name="campaign"),
]
