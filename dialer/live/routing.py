"""Addresses of the sockets: one per topic, or per thing of a topic."""

from __future__ import annotations

from django.urls import path

from .consumer import ScreenConsumer

urlpatterns = [
    path("ws/<slug:topic>/", ScreenConsumer.as_asgi()),
    path("ws/<slug:topic>/<uuid:wanted>/", ScreenConsumer.as_asgi()),
]
