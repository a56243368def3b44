"""Addresses of the agent desk."""

from __future__ import annotations

from django.urls import path

from . import views

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
]
