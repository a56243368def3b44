"""Addresses of queues and the numbers that lead to them."""

from __future__ import annotations

from django.urls import path

from . import views

app_name = "inbound"
urlpatterns = [
    path("queues/", views.queues, name="queues"),
    path("queues/<uuid:public_id>/", views.queue, name="queue"),
    path("queues/<uuid:public_id>/delete/", views.queue_delete, name="queue-delete"),
    path("queues/<uuid:public_id>/numbers/", views.did_add, name="did-add"),
    path("queues/numbers/<int:pk>/delete/", views.did_delete, name="did-delete"),
]
