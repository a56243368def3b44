"""Addresses of lists and leads."""

from __future__ import annotations

from django.urls import path

from . import edit_views, filter_views, list_views, search_views, views
from .importing import views as importing

app_name = "leads"
urlpatterns = [
    path("campaigns/<uuid:campaign_id>/lists/", views.lists, name="lists"),
    path("campaigns/<uuid:campaign_id>/lists/new/", importing.upload, name="create"),
    path("campaigns/<uuid:public_id>/filter/", filter_views.campaign_filter, name="filter"),
    path("campaigns/<uuid:public_id>/filter/count/", filter_views.filter_count, name="filter-count"),
    path("campaigns/<uuid:public_id>/filter/<int:place>/", filter_views.filter_row, name="filter-row"),
    path("lists/<uuid:public_id>/edit/", list_views.edit, name="list-edit"),
    path("imports/<uuid:public_id>/", importing.detail, name="import"),
    path("imports/<uuid:public_id>/confirm/", importing.confirm, name="import-confirm"),
    path("imports/<uuid:public_id>/cancel/", importing.cancel, name="import-cancel"),
    path("imports/<uuid:public_id>/rows-to-mend.csv", importing.problems, name="import-problems"),
    path("lists/<uuid:public_id>/", views.detail, name="list"),
    path("lists/<uuid:public_id>/active/", views.toggle, name="toggle"),
    path("campaigns/<uuid:campaign_id>/leads/", search_views.search, name="search"),
    path("campaigns/<uuid:campaign_id>/leads.csv", search_views.export, name="export"),
    path("campaigns/<uuid:campaign_id>/leads/change/", search_views.change, name="change"),
    path("lead-changes/<uuid:public_id>/undo/", search_views.undo, name="undo"),
    path("leads/<uuid:public_id>/", views.lead, name="lead"),
    path("leads/<uuid:public_id>/edit/", edit_views.edit, name="edit"),
    path("leads/<uuid:public_id>/numbers/", edit_views.add_number, name="number-add"),
    path("leads/<uuid:public_id>/numbers/<int:pk>/remove/", edit_views.remove_number, name="number-remove"),
]
