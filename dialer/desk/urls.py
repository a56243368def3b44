"""Addresses of the agent desk."""

from __future__ import annotations

from django.urls import path

from . import card_views, command_views, handling_views, mine_views, phone, views

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
    path("dial-last/", views.dial_last, name="dial-last"),
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
    path("commands/", command_views.commands, name="commands"),
    path("hold/", handling_views.hold, name="hold"),
    path("retrieve/", handling_views.retrieve, name="retrieve"),
    path("transfer/", handling_views.transfer, name="transfer"),
    path("toggle/", handling_views.toggle, name="toggle"),
    path("conference/", handling_views.conference, name="conference"),
    path("complete/", handling_views.complete, name="complete"),
    path("cancel/", handling_views.cancel, name="cancel"),
    path("park/", handling_views.park, name="park"),
    path("unpark/", handling_views.unpark, name="unpark"),
    path("pause-recording/", handling_views.pause_recording, name="pause-recording"),
    path("resume-recording/", handling_views.resume_recording, name="resume-recording"),
    path("digits/", handling_views.digits, name="digits"),
    path("drop/", handling_views.drop, name="drop"),
    path("panel/transfer/", handling_views.transfer_panel, name="transfer-panel"),
    path("panel/keypad/", handling_views.keypad_panel, name="keypad-panel"),
    path("panel/pause/", handling_views.pause_panel, name="pause-panel"),
    path("panel/messages/", handling_views.messages_panel, name="messages-panel"),
    path("panel/parked/", handling_views.parked_panel, name="parked-panel"),
]
