"""Addresses of lists and leads."""

from __future__ import annotations

from django.urls import path

from . import views

app_name = "leads"
urlpatterns = [
    path("campaigns/<uuid:campaign_id>/lists/", views.lists, name="lists"),
    path("campaigns/<uuid:campaign_id>/lists/new/", views.create, name="create"),
    path("lists/<uuid:public_id>/", views.detail, name="list"),
    path("lists/<uuid:public_id>/active/", views.toggle, name="toggle"),
    path("leads/<uuid:public_id>/", views.lead, name="lead"),
]
