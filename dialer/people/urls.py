"""Addresses of sign-in, users and teams."""

from __future__ import annotations

from django.urls import path

from . import admin_views, preference_views, views

app_name = "people"
urlpatterns = [
    path("sign-in/", views.sign_in, name="sign-in"),
    path("sign-out/", views.sign_out, name="sign-out"),
    path("preferences/", preference_views.preferences, name="preferences"),
    path("preferences/look/", preference_views.look, name="look"),
    path("preferences/shortcuts/", preference_views.shortcuts, name="shortcuts"),
    path("users/", admin_views.users, name="users"),
    path("users/new/", admin_views.user_create, name="user-create"),
    path("users/<uuid:public_id>/", admin_views.user_edit, name="user-edit"),
    path("users/<uuid:public_id>/password/", admin_views.user_password, name="user-password"),
    path("users/<uuid:public_id>/new-secret/", admin_views.user_new_secret, name="user-new-secret"),
    path("teams/", admin_views.teams, name="teams"),
    path("teams/<int:pk>/", admin_views.team, name="team"),
]
