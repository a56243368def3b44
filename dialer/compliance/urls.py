"""Addresses of compliance."""

from __future__ import annotations

from django.urls import path

from . import number_views, views

app_name = "compliance"
urlpatterns = [
    path("dnc/", views.dnc, name="dnc"),
    path("dnc/many/", views.dnc_many, name="dnc-many"),
    path("dnc/patterns/", views.pattern_add, name="pattern-add"),
    path("dnc/patterns/<int:pk>/remove/", views.pattern_remove, name="pattern-remove"),
    path("compliance/lists/", views.lists, name="lists"),
    path("compliance/stops/", views.stops, name="stops"),
    path("compliance/stops/<int:pk>/lift/", views.stop_lift, name="stop-lift"),
    path("compliance/campaigns/<uuid:public_id>/", views.terms, name="terms"),
    path("compliance/number/", number_views.number, name="number"),
    path("compliance/number/consent/", number_views.add_consent, name="consent-add"),
    path("compliance/number/revoke/", number_views.revoke, name="consent-revoke"),
    path("compliance/number/unlist/", number_views.unlist, name="dnc-remove"),
    path("compliance/number/note/", number_views.note, name="number-note"),
    path("compliance/number/evidence/", number_views.files, name="evidence"),
]
