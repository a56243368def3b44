"""Recordings of the simulated switch: valid WAV files with a short tone and then silence that takes no room on disk."""

from __future__ import annotations

import math
import struct
from pathlib import Path

RATE = 8000
_HEADER = struct.Struct("<4sI4s4sIHHIIHH4sI")
_TONE = struct.pack(
    f"<{RATE // 4}h", *(int(6000 * math.sin(2 * math.pi * 440 * place / RATE)) for place in range(RATE // 4))
)


def _header(sound: int) -> bytes:
    """The header of a mono 16-bit file with `sound` bytes of sound."""
    return _HEADER.pack(
        b"RIFF", sound + _HEADER.size - 8, b"WAVE", b"fmt ", 16, 1, 1, RATE, 2 * RATE, 2, 16, b"data", sound
    )


def begin_wav(path: Path) -> None:
    """Make the file, with a header that does not yet say how long it is. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(_header(0) + _TONE)


def finish_wav(path: Path, seconds: float) -> None:
    """Make the file `seconds` long and write so into its header. Raises OSError."""
    sound = 2 * max(0, round(seconds * RATE))
    with path.open("r+b") as file:
        file.write(_header(sound))
        file.truncate(_HEADER.size + sound)
