"""Addresses of what-if."""

from __future__ import annotations

from django.urls import path

from . import views

app_name = "whatif"
urlpatterns = [
    path("campaigns/<uuid:public_id>/what-if/", views.page, name="page"),
    path("what-if/<uuid:public_id>/cancel/", views.cancel, name="cancel"),
]
