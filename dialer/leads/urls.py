"""Addresses of lists and leads."""

from __future__ import annotations

from django.urls import path

from . import filter_views, list_views, views

app_name = "leads"
urlpatterns = [
    path("campaigns/<uuid:campaign_id>/lists/", views.lists, name="lists"),
    path("campaigns/<uuid:campaign_id>/lists/new/", views.create, name="create"),
    path("campaigns/<uuid:public_id>/filter/", filter_views.campaign_filter, name="filter"),
    path("campaigns/<uuid:public_id>/filter/count/", filter_views.filter_count, name="filter-count"),
    path("campaigns/<uuid:public_id>/filter/<int:place>/", filter_views.filter_row, name="filter-row"),
    path("lists/<uuid:public_id>/edit/", list_views.edit, name="list-edit"),
    path("lists/<uuid:public_id>/", views.detail, name="list"),
    path("lists/<uuid:public_id>/active/", views.toggle, name="toggle"),
    path("leads/<uuid:public_id>/", views.lead, name="lead"),
]
