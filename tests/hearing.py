"""What somebody on the simulated carrier heard: recorded there, so that no part of ours says it."""

from __future__ import annotations

import struct
import wave
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

from tests.floor import Floor, until

RATE = 8000


def record(floor: Floor, channel: str, folder: Path) -> Callable[[], list[int]]:
    """Record what one of the carrier's channels hears from now on; returns how to read it once the call is over."""
    for module in ("format_wav.so", "app_mixmonitor.so"):  # the carrier itself has no use for them
        floor.cli("carrier", "module", "load", module)
    whole, heard = folder / "whole.wav", folder / "heard.wav"
    floor.cli("carrier", "mixmonitor", "start", channel, f"{whole},r({heard})")
    return lambda: samples_of(heard)


def listen(floor: Floor, channel: str, folder: Path, seconds: float = 0.6) -> list[int]:
    """What one of the carrier's channels hears in the next moment."""
    for module in ("format_wav.so", "app_mixmonitor.so"):
        floor.cli("carrier", "module", "load", module)
    whole, heard = (folder / f"{uuid4().hex}-{name}.wav" for name in ("whole", "heard"))
    floor.cli("carrier", "mixmonitor", "start", channel, f"{whole},r({heard})")
    wanted = 44 + int(2 * RATE * seconds)
    until(lambda: heard.exists() and heard.stat().st_size >= wanted, 10, "the carrier records")
    floor.cli("carrier", "mixmonitor", "stop", channel)
    data = heard.read_bytes()[44:]  # its header is not finished yet
    return list(struct.unpack(f"<{len(data) // 2}h", data[: len(data) // 2 * 2]))[-int(RATE * seconds) :]


def samples_of(path: Path) -> list[int]:
    """The samples of a WAV file of 8 kHz, 16 bit, one channel."""
    with wave.open(str(path)) as file:
        data = file.readframes(file.getnframes())
    return list(struct.unpack(f"<{len(data) // 2}h", data))


def energy(samples: list[int]) -> float:
    """Root mean square."""
    return float((sum(sample * sample for sample in samples) / max(1, len(samples))) ** 0.5)
