"""Addresses of the agent desk."""

from __future__ import annotations

from django.urls import path

from . import card_views, mine_views, phone, views

app_name = "desk"
urlpatterns = [
    path("", views.desk, name="desk"),
    path("phone-account/", views.phone_account, name="phone-account"),
    path("join/", views.join, name="join"),
    path("leave/", views.leave, name="leave"),
    path("ready/", views.ready, name="ready"),
    path("pause/", views.pause, name="pause"),
    path("hang-up/", views.hang_up, name="hang-up"),
    path("dispose/", views.dispose, name="dispose"),
    path("next/", views.next_lead, name="next"),
    path("dial-shown/", views.dial_shown, name="dial-shown"),
    path("skip/", views.skip, name="skip"),
    path("dial/", views.dial, name="dial"),
    path("phone/", views.phone, name="phone"),
    path("ask/", views.ask, name="ask"),
    path("extend/", views.extend, name="extend"),
    path("card/<str:kind>/<uuid:public_id>/", card_views.show, name="card"),
    path("card/<str:kind>/<uuid:public_id>/script/<int:page>/", card_views.script, name="script"),
    path("leads/<uuid:public_id>/<str:name>/", card_views.save_field, name="field"),
    path("my-day/", mine_views.day, name="my-day"),
    path("my-calls/", mine_views.calls, name="my-calls"),
    path("callbacks/", mine_views.own_callbacks, name="callbacks"),
    path("callbacks/<uuid:public_id>/", mine_views.edit, name="callback"),
    path("callbacks/<uuid:public_id>/cancel/", mine_views.cancel, name="callback-cancel"),
    path("callbacks/<uuid:public_id>/dial/", views.dial_callback, name="callback-dial"),
    path("phone/account/", phone.account, name="browser-phone-account"),
    path("phone/here/", phone.here, name="browser-phone-here"),
]
