"""Addresses of campaigns and what they are made of."""

from __future__ import annotations

from django.urls import path

from . import desk_views, life_views, settings_views, views, wizard_views

app_name = "campaigns"
urlpatterns = [
    path("campaigns/", views.index, name="list"),
    path("campaigns/new/", views.create, name="create"),
    path("campaigns/drafts/", wizard_views.begin, name="wizard-begin"),
    path("campaigns/drafts/<uuid:public_id>/<int:place>/", wizard_views.step, name="wizard"),
    path("campaigns/drafts/<uuid:public_id>/drop/", wizard_views.drop, name="wizard-drop"),
    path("campaigns/<uuid:public_id>/", views.detail, name="detail"),
    path("campaigns/<uuid:public_id>/edit/", views.edit, name="edit"),
    path("campaigns/<uuid:public_id>/start/", views.start, name="start"),
    path("campaigns/<uuid:public_id>/stop/", views.stop, name="stop"),
    path("campaigns/<uuid:public_id>/method/", views.method, name="method"),
    path("campaigns/<uuid:public_id>/level/", views.level, name="level"),
    path("campaigns/<uuid:public_id>/lines/", views.lines, name="lines"),
    path("campaigns/<uuid:public_id>/changes/", life_views.changes, name="changes"),
    path("campaigns/<uuid:public_id>/changes/<int:number>/undo/", life_views.undo, name="undo"),
    path("campaigns/<uuid:public_id>/copy/", life_views.copy, name="copy"),
    path("campaigns/<uuid:public_id>/archive/", life_views.archive, name="archive"),
    path("campaigns/<uuid:public_id>/desk/", desk_views.desk, name="desk"),
    path("campaigns/<uuid:public_id>/fields/new/", desk_views.custom_field, name="field-new"),
    path("campaigns/<uuid:public_id>/fields/<int:pk>/", desk_views.custom_field, name="field"),
    path("campaigns/<uuid:public_id>/fields/<int:pk>/delete/", desk_views.custom_field_delete, name="field-delete"),
    path("campaigns/<uuid:public_id>/script/new/", desk_views.script_page, name="script-new"),
    path("campaigns/<uuid:public_id>/script/preview/", desk_views.script_preview, name="script-preview"),
    path("campaigns/<uuid:public_id>/script/<int:pk>/", desk_views.script_page, name="script-page"),
    path("campaigns/<uuid:public_id>/script/<int:pk>/delete/", desk_views.script_page_delete, name="script-delete"),
    path("disposition-sets/", settings_views.disposition_sets, name="disposition-sets"),
    path("disposition-sets/<int:pk>/", settings_views.disposition_set, name="disposition-set"),
    path("dispositions/<int:pk>/", settings_views.disposition, name="disposition"),
    path("dispositions/<int:pk>/delete/", settings_views.disposition_delete, name="disposition-delete"),
    path("pause-codes/", settings_views.pause_codes, name="pause-codes"),
    path("pause-codes/<int:pk>/", settings_views.pause_code, name="pause-code"),
    path("pause-codes/<int:pk>/delete/", settings_views.pause_code_delete, name="pause-code-delete"),
]
