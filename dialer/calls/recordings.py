"""What becomes of a recording's file once its call is over: whole, not yet, or missing.

Nothing here waits: who asks comes again later when the answer is `LATER`.
"""

from __future__ import annotations

import hashlib
import logging
import struct
import time
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import Enum, auto
from pathlib import Path
from uuid import UUID

from django.conf import settings

from .models import CallEvent, CallTask, Recording, RecordingState
from .rules import CallState

log = logging.getLogger(__name__)

SETTLED_S = 1.0
"""A file that was written to more recently than this many seconds ago may still be in the switch's hands."""

SPOKE = timedelta(seconds=1)
"""A conversation that was shorter may have no recording: it takes the switch a moment to begin one."""

GONE = "recording_gone"
"""The event of a call whose recording was removed: its time was over, or somebody asked to be forgotten."""
AT_ONCE = 2000
"""How many files are held against the rows at once."""


class Look(Enum):
    """What a look at a recording came to."""

    NOTHING = auto()  # no recording, or it was finished before
    LATER = auto()
    COMPLETE = auto()
    MISSING = auto()


class NotWhole(Exception):
    """The file is no WAV, or its header and its length do not agree."""


@dataclass(frozen=True, slots=True)
class Wav:
    """A whole WAV file: how long it plays (milliseconds) and how large it is (bytes)."""

    duration_ms: int
    size: int


def read_wav(path: Path) -> Wav:
    """Read a PCM WAV's header and hold it against the file's length. Raises NotWhole, or OSError when unreadable."""
    size = path.stat().st_size
    with path.open("rb") as file:
        riff = file.read(12)
        if len(riff) < 12 or riff[:4] != b"RIFF" or riff[8:] != b"WAVE":
            raise NotWhole("no WAV header")
        bytes_per_second = 0
        while len(head := file.read(8)) == 8:
            name, length = struct.unpack("<4sI", head)
            if name == b"fmt " and length >= 16:
                _, _, _, bytes_per_second, _, _ = struct.unpack("<HHIIHH", file.read(16))
                file.seek(length - 16 + length % 2, 1)
            elif name == b"data":
                return _held_against(length, size - file.tell(), bytes_per_second, size)
            else:
                file.seek(length + length % 2, 1)
    raise NotWhole("no sound in it")


def mend_wav(path: Path) -> bool:
    """Let a WAV's header say how much sound there is: a switch that died while it recorded had not come to it.

    False when there is no sound to save. What is mended is the header alone; the sound stays as it is.
    """
    size = path.stat().st_size
    with path.open("r+b") as file:
        start = file.read(4096).find(b"data")
        if start < 0 or size <= start + 8:
            return False
        sound = (size - start - 8) & ~1  # whole samples of 16 bits
        file.truncate(start + 8 + sound)
        file.seek(4)
        file.write(struct.pack("<I", start + sound))
        file.seek(start + 4)
        file.write(struct.pack("<I", sound))
    return sound > 0


def _held_against(said: int, there: int, bytes_per_second: int, size: int) -> Wav:
    if bytes_per_second <= 0:
        raise NotWhole("no format")
    if not 0 <= there - said <= 1:  # an odd length is padded
        raise NotWhole(f"the header says {said} bytes of sound, there are {there}")
    return Wav(said * 1000 // bytes_per_second, size)


def finish(*, call_id: UUID, last_look: bool = False) -> Look:
    """Complete the recording of a call that has ended, if its file is whole and no longer written to.

    `last_look`: what is not whole now is MISSING. A recording that is finished stays as it is, however often this runs.
    """
    recording = Recording.objects.across_tenants().filter(call_id=call_id, state=RecordingState.RUNNING).first()
    if recording is None:
        return Look.NOTHING
    call = CallTask.objects.across_tenants().filter(pk=call_id, state=CallState.ENDED).first()
    if call is None:
        return Look.LATER
    path = Path(settings.RECORDINGS_DIR) / recording.path
    try:
        wav = _read(path, mend=last_look)
        if time.time() - path.stat().st_mtime < SETTLED_S and not last_look:
            return Look.LATER
        digest = _sha256(path)
    except (OSError, NotWhole) as error:
        if not last_look:
            return Look.LATER
        level = logging.INFO if _hardly_spoke(call) else logging.ERROR
        log.log(level, "the recording of call %s is missing: %s", call_id, error)
        return _store(recording, Look.MISSING, state=RecordingState.MISSING)
    return _store(
        recording,
        Look.COMPLETE,
        state=RecordingState.COMPLETE,
        duration_ms=wav.duration_ms,
        bytes=wav.size,
        sha256=digest,
    )


def _hardly_spoke(call: CallTask) -> bool:
    """Whether they parted before there was any sound to be written."""
    if call.connected_at is None or call.ended_at is None:
        return False
    return call.ended_at - call.connected_at < SPOKE


def _read(path: Path, *, mend: bool) -> Wav:
    try:
        return read_wav(path)
    except NotWhole as error:
        if not mend or not mend_wav(path):
            raise
        log.warning("the recording %s was cut off (%s); its header is mended", path.stem, error)
        return read_wav(path)


def _store(recording: Recording, look: Look, **values: object) -> Look:
    running = Recording.objects.across_tenants().filter(pk=recording.pk, state=RecordingState.RUNNING)
    return look if running.update(**values) else Look.NOTHING


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def forgotten(*, before: datetime, limit: int = 500) -> list[UUID]:
    """Calls that ended before a moment and whose recording nobody has finished, oldest first."""
    rows = Recording.objects.across_tenants().filter(
        state=RecordingState.RUNNING, call__state=CallState.ENDED, call__ended_at__lt=before
    )
    return list(rows.order_by("call__ended_at").values_list("call_id", flat=True)[:limit])


def see_to_strays(*, day: date) -> tuple[int, int]:
    """See to the recordings of a day (UTC) that have no row; how many got one, and how many were removed.

    A switchboard that died while the database was away may leave one: it had joined the customer to an agent, and
    could not write it down. With a row it is heard, and goes, like any other. A crash while recordings were removed
    leaves their files: those go now. Files of calls that nobody knows are left alone, and the log tells how many.
    """
    root = Path(settings.RECORDINGS_DIR)
    files = [path for path in root.glob(f"*/{day:%Y/%m/%d}/*.wav") if _call_id(path) is not None]
    adopted = removed = unknown = 0
    for first in range(0, len(files), AT_ONCE):
        found = {_call_id(path): path for path in files[first : first + AT_ONCE]}
        rows = Recording.objects.across_tenants().filter(call_id__in=list(found))
        strays = set(found) - set(rows.values_list("call_id", flat=True))
        calls = list(CallTask.objects.across_tenants().filter(pk__in=strays))
        gone = set(
            CallEvent.objects.across_tenants().filter(call__in=calls, kind=GONE).values_list("call_id", flat=True)
        )
        for call_id in gone:
            found[call_id].unlink(missing_ok=True)
        over = [call for call in calls if call.state == CallState.ENDED and call.pk not in gone]
        Recording.objects.bulk_create(
            (_row_of(call, found[call.pk].relative_to(root)) for call in over), ignore_conflicts=True
        )
        adopted, removed, unknown = adopted + len(over), removed + len(gone), unknown + len(strays) - len(calls)
    if unknown:
        log.warning("%d recordings of %s belong to no call", unknown, day)
    return adopted, removed


def _row_of(call: CallTask, path: Path) -> Recording:
    return Recording(tenant_id=call.tenant_id, call_id=call.pk, path=str(path), started_at=call.queued_at)


def _call_id(path: Path) -> UUID | None:
    try:
        return UUID(path.stem)
    except ValueError:
        return None
