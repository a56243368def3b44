"""Addresses of agents."""

from __future__ import annotations

from django.urls import path

from . import views

app_name = "agents"
urlpatterns = [path("", views.index, name="list")]
