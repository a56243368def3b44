"""Addresses of the floor."""

from __future__ import annotations

from django.urls import path

from . import alert_views, people_views, saved_views, stop_views, told_views, tv_views, views

app_name = "floor"
urlpatterns = [
    path("", views.wallboard, name="wallboard"),
    path("campaign/<uuid:public_id>/", views.wallboard, name="campaign"),
    path("agents/", people_views.people, name="people"),
    path("agents/move/", people_views.move_many, name="move-many"),
    path("agents/<uuid:public_id>/", people_views.agent, name="agent"),
    path("views/", saved_views.views, name="views"),
    path("views/<uuid:public_id>/", saved_views.view, name="view"),
    path("views/<uuid:public_id>/remove/", saved_views.remove, name="view-remove"),
    path("messages/", told_views.send, name="message"),
    path("messages/mine/", told_views.mine, name="messages-mine"),
    path("messages/<uuid:public_id>/seen/", told_views.seen, name="message-seen"),
    path("alerts/", alert_views.thresholds, name="alerts"),
    path("alerts/<uuid:public_id>/remove/", alert_views.remove, name="alert-remove"),
    path("tv/", tv_views.show, name="tv"),
    path("tv-links/", tv_views.links, name="tv-links"),
    path("tv-links/<uuid:public_id>/revoke/", tv_views.revoke, name="tv-revoke"),
    path("stop/", stop_views.stop, name="stop"),
    path("stop/<uuid:public_id>/", stop_views.stop, name="stop-one"),
]
