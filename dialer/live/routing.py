"""Addresses of the sockets: one per topic."""

from __future__ import annotations

from django.urls import path

from .consumer import ScreenConsumer

urlpatterns = [path("ws/<slug:topic>/", ScreenConsumer.as_asgi())]
