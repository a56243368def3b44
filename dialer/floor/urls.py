"""Addresses of the floor."""

from __future__ import annotations

from django.urls import path

from . import people_views, stop_views, views

app_name = "floor"
urlpatterns = [
    path("", views.wallboard, name="wallboard"),
    path("campaign/<uuid:public_id>/", views.wallboard, name="campaign"),
    path("agents/", people_views.people, name="people"),
    path("agents/<uuid:public_id>/", people_views.agent, name="agent"),
    path("stop/", stop_views.stop, name="stop"),
    path("stop/<uuid:public_id>/", stop_views.stop, name="stop-one"),
]
