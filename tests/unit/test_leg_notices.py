"""What an agent is told about a phone that did not come up: each kind of phone is called what its user calls it."""

from __future__ import annotations

import pytest

from asterisk.switchboard.legs import _not_answered, _not_registered
from dialer.agents.models import AgentSession, PhoneKind


def session(kind: str) -> AgentSession:
    endpoints = {PhoneKind.SIP: "6001", PhoneKind.NUMBER: "+12125550100", PhoneKind.BROWSER: "web-0a1b"}
    return AgentSession(phone=kind, endpoint=endpoints[PhoneKind(kind)])


@pytest.mark.parametrize(
    ("kind", "name", "refused"),
    [
        (PhoneKind.SIP, "6001", "is not registered"),
        (PhoneKind.NUMBER, "+1 212-555-0100", "could not be called"),
        (PhoneKind.BROWSER, "in your browser", "left the line"),
    ],
)
def test_a_phone_by_its_name(kind: str, name: str, refused: str) -> None:
    assert refused in _not_registered(session(kind))
    for said in (_not_registered(session(kind)), *(_not_answered(session(kind), cause) for cause in (17, 19, None))):
        assert name in said
        assert "web-" not in said


def test_a_number_that_does_not_exist_is_no_matter_of_answering() -> None:
    assert "There is no telephone +1 212-555-0100" in _not_answered(session(PhoneKind.NUMBER), 1)
