"""Addresses of what a campaign offers its agents for calls."""

from __future__ import annotations

from django.urls import path

from . import views

app_name = "handling"
urlpatterns = [
    path("campaigns/<uuid:public_id>/handling/", views.handling, name="settings"),
    path("transfer-presets/<uuid:public_id>/delete/", views.preset_delete, name="preset-delete"),
    path("messages/<uuid:public_id>/delete/", views.message_delete, name="message-delete"),
]
