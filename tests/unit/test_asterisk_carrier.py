"""The simulated carrier's behaviours, its truth file, and the small parts of the sandbox."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from asterisk.sandbox import (
    DEFAULT_MIX,
    Behaviour,
    CallerCall,
    Mix,
    Sandbox,
    SandboxFailed,
    SandboxUnavailable,
    behaviour_of,
    fetch,
    read_callers,
    read_truth,
)
from asterisk.sandbox.behaviour import KINDS, dialplan_table, normalise, table
from asterisk.sandbox.instance import fill
from asterisk.sandbox.sip import Message, authorization, granted_seconds, media_address, session_description, tag_of

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        ("+15552312005", Behaviour("person", ring_s=3, voice=5, talk_s=12)),
        ("5552000900", Behaviour("person", voice=900)),
        ("5552060901", Behaviour("person", voice=901, talk_s=600)),
        ("+15553200017", Behaviour("machine", ring_s=2, voice=17)),
        ("+15554100000", Behaviour("busy", ring_s=1)),
        ("+15555007000", Behaviour("no_answer", ring_s=7)),
        ("+15555000000", Behaviour("no_answer", ring_s=90)),
        ("+15556000000", Behaviour("congestion")),
        ("+15557000000", Behaviour("invalid")),
        ("+15557100000", Behaviour("invalid", style="early")),
        ("+15558000000", Behaviour("hangs_up_at_once", talk_s=0.3)),
        ("+15559005000", Behaviour("fax", talk_s=5)),
        ("+4930123456", Behaviour("invalid")),
        ("12", Behaviour("invalid")),
        ("", Behaviour("invalid")),
    ],
)
def test_numbers_that_say_it_themselves(number: str, expected: Behaviour) -> None:
    assert behaviour_of(number, seed=1) == expected


def test_one_number_in_all_its_spellings_is_one() -> None:
    assert normalise("+12125550123") == normalise("12125550123") == normalise("2125550123") == "2125550123"
    assert behaviour_of("+12125550123", 3) == behaviour_of("2125550123", 3)


def test_the_seed_decides_and_nothing_else() -> None:
    assert table(1) == table.__wrapped__(1)
    assert table(1) != table(2)


def test_shares_are_those_of_the_mix() -> None:
    kinds = [behaviour.kind for behaviour in table(5)]
    for kind in KINDS:
        assert abs(kinds.count(kind) / 1000 - getattr(DEFAULT_MIX, kind) / DEFAULT_MIX.total) <= 0.001


def test_rings_are_lognormal_within_bounds() -> None:
    rings = sorted(behaviour.ring_s for behaviour in table(5) if behaviour.kind == "person")
    assert rings[0] >= 1.0
    assert rings[-1] <= 25.0
    assert 6.0 < rings[len(rings) // 2] < 8.0


def test_a_mix_scales_times(tmp_path: Path) -> None:
    fast = Mix(ring_scale=0.1, talk_scale=0.5)
    for slow, quick in zip(table(5), table(5, fast), strict=True):
        assert quick.kind == slow.kind
        if slow.kind == "person":
            assert abs(quick.ring_s - slow.ring_s * 0.1) < 0.02
            assert abs(quick.talk_s - slow.talk_s * 0.5) < 0.02
    fast.write(tmp_path / "mix.json")
    assert Mix.read(tmp_path / "mix.json") == fast


def test_the_environment_may_name_a_mix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CARRIER_MIX", raising=False)
    assert Sandbox(tmp_path, tmp_path, "127.99.9").mix == DEFAULT_MIX
    Mix(talk_scale=0.5).write(tmp_path / "mix.json")
    monkeypatch.setenv("CARRIER_MIX", str(tmp_path / "mix.json"))
    assert Sandbox(tmp_path, tmp_path, "127.99.9").mix.talk_scale == 0.5
    monkeypatch.setenv("CARRIER_MIX", str(tmp_path / "none.json"))
    with pytest.raises(SandboxFailed, match="CARRIER_MIX"):
        Sandbox(tmp_path, tmp_path, "127.99.9")


@pytest.mark.parametrize("text", ['{"persons": 1}', "[]", '{"person": -1}', '{"talk_scale": 0}'])
def test_a_mix_that_makes_no_sense_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "mix.json").write_text(text)
    with pytest.raises(ValueError):
        Mix.read(tmp_path / "mix.json")


def test_the_dialplan_has_every_entry_of_the_table() -> None:
    lines = dialplan_table(5).splitlines()
    assert len(lines) == 1000
    for entry, (line, behaviour) in enumerate(zip(lines, table(5), strict=True)):
        assert line.startswith(f"exten => {entry:03d},1,Gosub(far,begin,1({behaviour.kind},")


def test_truth(tmp_path: Path) -> None:
    path = tmp_path / "truth.csv"
    assert read_truth(path) == []
    path.write_text(
        '"1.1","+15554000000","+18005550100","busy","10.500000","","0.000000","10.75","17","them","T","far"\n'
        '"1.2","a,""b\'","","person","11.0","11.2","12.5","20.0","16","us","T","far"\n'
        '"1.4","","anonymous","","11.0","","0.000000","11.1","16","","+15554000001","network"\n'
        '"1.5","","","","11.0","","0.000000","11.1","16","","talk","customer"\n'
        '"1.3","half'
    )
    busy, person, early = read_truth(path)
    assert (early.number, early.behaviour, early.ended_by) == ("+15554000001", "", "us")
    assert (busy.behaviour, busy.arrived, busy.ringing, busy.answered, busy.cause) == ("busy", 10.5, None, None, 17)
    assert (person.number, person.ringing, person.answered, person.ended_by) == ("a,\"b'", 11.2, 12.5, "us")


def test_who_called_us(tmp_path: Path) -> None:
    path = tmp_path / "truth.csv"
    assert read_callers(path) == []
    path.write_text(
        '"1.4","","+15552000778","","10.0","","10.5","13.0","","us","+12125550199*+15552000778*2","calling"\n'
        '"1.4","","+15552000778","","13.0","","13.0","13.0","16","them","T","calling"\n'
        '"1.3","","x","","10.0","","10.5","13.0","","","echo","customer"\n'
        '"1.7","","","","11.0","","0.000000","12.0","21","us","+12125550199*","calling"\n'
        '"2.1","","+15552000779","","11.0","","0.000000","19.1","","us","+12125550199*+15552000779*8","calling"\n'
        '"2.1","","+15552000779","","19.1","","0.000000","19.1","16","them","T","calling"\n'
        '"2.0","","+12125550199*+15552000779*8","","11.0","","0.000000","19.1","","","+12125550199*+15552000779*8","calling"\n'
        '"2.2","","+12125550199*+15552000780","","11.0","","0.000000","41.1","","","+12125550199*+15552000780","calling"\n'
        '"2.3","","+15552000780","","11.0","","0.000000","41.1","19","us","+12125550199*+15552000780","calling"\n'
        '"1.9","+15554000001","","busy","10.5","","0.000000","10.75","17","them","T","far"\n'
        '"1.8","half'
    )
    assert read_callers(path) == [
        CallerCall("+12125550199", "+15552000778", 10.0, 10.5, 13.0, "them"),
        CallerCall("+12125550199", "", 11.0, None, 12.0, "us"),
        CallerCall("+12125550199", "+15552000779", 11.0, None, 19.1, "them"),
        CallerCall("+12125550199", "+15552000780", 11.0, None, 41.1, "them"),
    ]
    assert [call.number for call in read_truth(path)] == ["+15554000001"]


def test_templates_are_filled_with_one_line_values_only() -> None:
    assert fill("a=@ONE@ b=@TWO@ user@host", {"ONE": "1", "TWO": "2"}) == "a=1 b=2 user@host"
    with pytest.raises(KeyError):
        fill("@MISSING@", {})
    with pytest.raises(ValueError):
        fill("@ONE@", {"ONE": "x\n[evil]"})


def test_importing_the_sandbox_needs_the_standard_library_only() -> None:
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r}); import asterisk.sandbox; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True)
    assert not {"numpy", "django", "aiohttp", "panoramisk"} & set(done.stdout.split())


def test_a_machine_without_debians_tools_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SandboxUnavailable, match="without apt-get"):
        fetch.ensure_tree(tmp_path / "tree", print)
    assert not (tmp_path / "tree").exists()


@pytest.mark.parametrize(
    ("tool", "answer", "reason"),
    [
        ("dpkg", "echo riscv64", "this machine is riscv64"),
        ("apt-get", "exit 0", "run `apt-get update` as root first"),
        ("apt-get", "echo E: no network >&2; exit 100", "apt-get ended with code 100: E: no network"),
    ],
)
def test_what_is_missing_is_said(
    tool: str, answer: str, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = {"dpkg": "echo amd64", "apt-get": "exit 0", "dpkg-deb": "exit 0", "tar": "exit 0", tool: answer}
    for name, script in answers.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(fetch, "KEYRING", tmp_path / "tar")
    monkeypatch.setattr(fetch, "NEEDED_BYTES", 1)
    with pytest.raises(SandboxUnavailable) as unavailable:
        fetch.ensure_tree(tmp_path / "tree", print)
    assert reason in unavailable.value.reason
    assert [path.name for path in tmp_path.iterdir() if "tree" in path.name] == [".tree.lock"]


def test_sip_messages_survive_a_round_trip() -> None:
    body = session_description("127.9.9.9", 4000)
    sent = Message("INVITE sip:x@y SIP/2.0", [("Via", "a"), ("Via", "b"), ("To", "<sip:x@y>;tag=t1")], body)
    read = Message.parse(sent.encode())
    assert read is not None
    assert (read.method, read.status, read.all("via"), tag_of(read.get("to"))) == ("INVITE", 0, ["a", "b"], "t1")
    assert media_address(read.body) == ("127.9.9.9", 4000)
    assert Message.parse(b"\r\n\r\n") is None
    answer = Message.parse(b"SIP/2.0 486 Busy\r\nCSeq: 5 INVITE\r\nf: x\r\n\r\n")
    assert answer is not None
    assert (answer.status, answer.method, answer.get("from")) == (486, "INVITE", "x")


def test_a_phone_takes_what_the_registrar_grants() -> None:
    def answer(*headers: tuple[str, str]) -> Message:
        return Message("SIP/2.0 200 OK", list(headers))

    two = answer(("contact", "<sip:a1@127.0.0.1:5>;expires=60"), ("contact", "<sip:a1@127.0.0.1:9>;expires=120"))
    assert granted_seconds(two, 9) == 120
    assert granted_seconds(answer(("expires", "30")), 9) == 30
    assert granted_seconds(answer(), 9) == 0


def test_digest_as_in_the_standards_example() -> None:
    """RFC 2617, section 3.5, without qop."""
    challenge = (
        'Digest realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", '
        'opaque="5ccc069c403ebaf9f0171e9517f40e41"'
    )
    proof = authorization(challenge, user="Mufasa", secret="Circle Of Life", method="GET", uri="/dir/index.html")
    assert 'response="670fd8c2df070c60b045671b8b24ff02"' in proof
    assert 'opaque="5ccc069c403ebaf9f0171e9517f40e41"' in proof
