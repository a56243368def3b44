"""Addresses of the sockets: one per topic, one per thing of a topic, and one per kind of board."""

from __future__ import annotations

from django.urls import path

from .consumer import ScreenConsumer
from .shared import BoardConsumer

urlpatterns = [
    path("ws/board/<slug:board>/", BoardConsumer.as_asgi()),
    path("ws/<slug:topic>/", ScreenConsumer.as_asgi()),
    path("ws/<slug:topic>/<uuid:wanted>/", ScreenConsumer.as_asgi()),
]
