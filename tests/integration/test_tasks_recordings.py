"""Recordings are finished when their file is whole, once, and called missing only after the last look."""

from __future__ import annotations

import hashlib
import os
import time
import wave
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from dialer.calls import recordings
from dialer.calls.models import CallTask, Recording
from dialer.calls.recordings import Look, NotWhole, Wav, read_wav
from dialer.calls.services import note_event
from dialer.campaigns.models import Campaign
from dialer.core.clock import now
from tasks import housekeeping
from tasks import recordings as jobs
from tasks.queues import worker_queue
from tests import factories


def write_wav(path: Path, seconds: float = 2.0, age_s: float = 5.0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(b"\0\0" * int(8000 * seconds))
    os.utime(path, (time.time() - age_s, time.time() - age_s))


@pytest.fixture(autouse=True)
def _keep_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """Jobs give their connection back, but here it holds the test's own transaction."""
    monkeypatch.setattr("tasks.queues.close_old_connections", lambda: None)


@pytest.fixture
def folder(tmp_path: Path, settings: Any) -> Path:
    settings.RECORDINGS_DIR = tmp_path
    return tmp_path


@pytest.fixture
def recording(campaign: Campaign, folder: Path) -> Recording:
    """The running recording of a call that ended three minutes ago; there is no file yet."""
    call = factories.make_call(campaign)
    made = Recording.objects.create(
        tenant_id=campaign.tenant_id, call=call, path=f"demo/{call.pk}.wav", started_at=now()
    )
    CallTask.objects.for_tenant(campaign.tenant_id).filter(pk=call.pk).update(
        state="ended", outcome="connected", ended_at=now() - timedelta(minutes=3)
    )
    return made


def stored(recording: Recording) -> Recording:
    return Recording.objects.across_tenants().get(pk=recording.pk)


def test_a_whole_file_completes_the_recording(recording: Recording, folder: Path) -> None:
    write_wav(folder / recording.path, 2.5)
    assert recordings.finish(call_id=recording.call_id) is Look.COMPLETE
    row = stored(recording)
    assert (row.state, row.duration_ms, row.bytes) == ("complete", 2500, 40044)
    assert row.sha256 == hashlib.sha256((folder / recording.path).read_bytes()).hexdigest()
    assert recordings.finish(call_id=recording.call_id, last_look=True) is Look.NOTHING


def test_a_file_just_written_to_waits(recording: Recording, folder: Path) -> None:
    write_wav(folder / recording.path, age_s=0)
    assert recordings.finish(call_id=recording.call_id) is Look.LATER
    assert recordings.finish(call_id=recording.call_id, last_look=True) is Look.COMPLETE


def test_a_call_that_goes_on_keeps_its_recording_running(recording: Recording, folder: Path) -> None:
    CallTask.objects.across_tenants().update(state="connected", outcome="", ended_at=None)
    write_wav(folder / recording.path)
    assert recordings.finish(call_id=recording.call_id, last_look=True) is Look.LATER


def test_no_file_is_missing_only_at_the_last_look(recording: Recording) -> None:
    assert recordings.finish(call_id=recording.call_id) is Look.LATER
    assert stored(recording).state == "running"
    assert recordings.finish(call_id=recording.call_id, last_look=True) is Look.MISSING
    assert stored(recording).state == "missing"


@pytest.mark.parametrize(("spoke_s", "level"), [(0.4, "INFO"), (1.2, "ERROR")])
def test_that_nothing_is_recorded_of_a_word_is_no_fault(
    recording: Recording, caplog: pytest.LogCaptureFixture, spoke_s: float, level: str
) -> None:
    over = now()
    CallTask.objects.across_tenants().update(connected_at=over - timedelta(seconds=spoke_s), ended_at=over)
    with caplog.at_level("INFO"):
        assert recordings.finish(call_id=recording.call_id, last_look=True) is Look.MISSING
    assert [record.levelname for record in caplog.records if "is missing" in record.getMessage()] == [level]


def test_an_unknown_call_is_nothing(db: None) -> None:
    assert recordings.finish(call_id=UUID(int=0)) is Look.NOTHING


def _cut(data: bytes) -> bytes:
    return data[:-100]


def _grow(data: bytes) -> bytes:
    return data + b"\0" * 200


@pytest.mark.parametrize("spoil", [_cut, _grow, lambda data: b"", lambda data: b"x" * 100, lambda data: data[:40]])
def test_a_spoilt_file_is_not_whole(tmp_path: Path, spoil: Any) -> None:
    path = tmp_path / "a.wav"
    write_wav(path)
    assert read_wav(path) == Wav(2000, 32044)
    path.write_bytes(spoil(path.read_bytes()))
    with pytest.raises(NotWhole):
        read_wav(path)


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[tuple[tuple[Any, ...], int]]:
    """Further looks that were scheduled, and after how many seconds."""
    scheduled: list[tuple[tuple[Any, ...], int]] = []
    monkeypatch.setattr(
        jobs.finish_recording, "schedule", lambda args, delay: scheduled.append((args, delay)), raising=False
    )
    return scheduled


def test_the_job_looks_again_later_and_in_the_end_gives_up(
    recording: Recording, looks: list[tuple[tuple[Any, ...], int]]
) -> None:
    name = str(recording.call_id)
    for look, delay in enumerate(jobs.AGAIN_AFTER_S):
        jobs.finish_recording.call_local(name, look)
        assert looks.pop() == ((name, look + 1), delay)
    jobs.finish_recording.call_local(name, len(jobs.AGAIN_AFTER_S))
    assert looks == []
    assert stored(recording).state == "missing"


def test_a_recording_without_a_row_gets_one(recording: Recording, folder: Path) -> None:
    """So that it is finished, heard and removed in time like any other; what belongs to no call is left alone."""
    call = recording.call
    yesterday = call.queued_at.date()
    recording.delete()
    path = f"{call.tenant_id}/{yesterday:%Y/%m/%d}"
    talking = factories.make_call(call.campaign)
    for name in (call.pk, talking.pk, UUID(int=1), "notes"):
        write_wav(folder / path / f"{name}.wav", 2.5)
    assert recordings.see_to_strays(day=yesterday) == (1, 0)
    row = Recording.objects.across_tenants().get()
    assert (row.call_id, row.path, row.state) == (call.pk, f"{path}/{call.pk}.wav", "running")
    assert recordings.see_to_strays(day=yesterday) == (0, 0)
    assert recordings.finish(call_id=call.pk) is Look.COMPLETE
    assert len(list((folder / path).iterdir())) == 4


def test_a_recording_that_was_to_be_gone_goes(recording: Recording, folder: Path) -> None:
    """A crash came between its row's end and its file's."""
    call = recording.call
    recording.delete()
    note_event(call=call, kind=recordings.GONE, data={}, at=now())
    file = folder / f"{call.tenant_id}/{call.queued_at:%Y/%m/%d}/{call.pk}.wav"
    write_wav(file)
    assert recordings.see_to_strays(day=call.queued_at.date()) == (0, 1)
    assert not file.exists() and not Recording.objects.across_tenants().exists()


def test_housekeeping_asks_for_those_that_were_forgotten(recording: Recording) -> None:
    worker_queue.storage.flush_queue()
    housekeeping.finish_forgotten_recordings.call_local()
    task = worker_queue.dequeue()
    assert task.args == (str(recording.call_id),)
    assert worker_queue.storage.queue_size() == 0
    CallTask.objects.across_tenants().update(ended_at=now() - timedelta(seconds=30))
    housekeeping.finish_forgotten_recordings.call_local()
    assert worker_queue.storage.queue_size() == 0


def test_clear_sessions_runs(db: None) -> None:
    housekeeping.clear_sessions.call_local()


def test_a_recording_that_was_cut_off_by_its_switch_plays_after_the_last_look(
    folder: Path, recording: Recording
) -> None:
    """The header of one whose switch died says that there is no sound; what was recorded until then is kept."""
    path = folder / recording.path
    write_wav(path)
    whole = bytearray(path.read_bytes())
    whole[40:44] = bytes(4)
    path.write_bytes(whole + b"\0")
    assert recordings.finish(call_id=recording.call_id) is Look.LATER
    assert recordings.finish(call_id=recording.call_id, last_look=True) is Look.COMPLETE
    with wave.open(str(path)) as sound:
        assert sound.getnframes() == 16000
    assert stored(recording).duration_ms == 2000
