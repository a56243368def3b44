"""Addresses of compliance."""

from __future__ import annotations

from django.urls import path

from . import views

app_name = "compliance"
urlpatterns = [path("dnc/", views.dnc, name="dnc")]
