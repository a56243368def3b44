"""Addresses of privacy."""

from __future__ import annotations

from django.urls import path

from . import views

app_name = "privacy"
urlpatterns = [
    path("privacy/", views.privacy, name="page"),
    path("privacy/hidden/", views.hidden, name="hidden"),
    path("privacy/export/", views.export, name="export"),
    path("privacy/erase/", views.erase, name="erase"),
]
