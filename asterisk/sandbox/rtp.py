"""Audio for headless phones: mu-law, tones, and one clock that sends for all phones of a process."""

from __future__ import annotations

import asyncio
import math
import secrets
import socket
import struct
import time
from collections import deque
from typing import Literal

FRAME = 160
"""Samples in 20 ms at 8 kHz."""
FRAME_S = 0.02
SILENCE = b"\xff" * FRAME
KEEPALIVE_FRAMES = 100
"""In `keepalive` one silent frame goes out per this many (2 s): enough for the switch to know that the phone lives."""

Sends = Literal["silence", "tone", "keepalive", "nothing"]


def _decode(byte: int) -> int:
    byte = ~byte & 0xFF
    value = (((byte & 0x0F) << 3) + 132) << ((byte >> 4) & 7)
    return (132 - value) if byte & 0x80 else (value - 132)


def _encode(sample: int) -> int:
    sign = 0x80 if sample < 0 else 0
    value = min(abs(sample), 32635) + 132
    exponent = max(0, value.bit_length() - 8)
    return ~(sign | (exponent << 4) | ((value >> (exponent + 3)) & 0x0F)) & 0xFF


LINEAR = [_decode(byte) for byte in range(256)]
_LOUD = bytes(1 if abs(value) > 1000 else 0 for value in LINEAR)


def tone_frames(frequency: int, level: int = 6000) -> list[bytes]:
    """One second of a tone as 50 mu-law frames (whole hertz, so it repeats without a click)."""
    data = bytes(_encode(int(level * math.sin(2 * math.pi * frequency * i / 8000))) for i in range(8000))
    return [data[i : i + FRAME] for i in range(0, 8000, FRAME)]


def strength(samples: list[int], frequency: int) -> float:
    """The amplitude of `frequency` in `samples` (Goertzel); 16-bit scale."""
    k = 2 * math.cos(2 * math.pi * frequency / 8000)
    a = b = 0.0
    for value in samples:
        a, b = value + k * a - b, a
    return math.sqrt(max(0.0, a * a + b * b - k * a * b)) * 2 / max(1, len(samples))


def _mean_square_root(samples: list[int]) -> float:
    return math.sqrt(sum(value * value for value in samples) / len(samples)) if samples else 0.0


class Ear:
    """What a phone heard lately: the last three seconds, kept as they came and decoded only when asked."""

    def __init__(self) -> None:
        self._frames: deque[tuple[float, bytes]] = deque(maxlen=150)
        self.packets = 0
        self.first_audio_at: float | None = None
        """time.time() of the first frame that was not silence."""

    def reset(self) -> None:
        """Forget everything."""
        self._frames.clear()
        self.packets = 0
        self.first_audio_at = None

    def packet(self, data: bytes) -> None:
        """Take one RTP datagram; anything but mu-law is left out."""
        if len(data) < 13 or data[1] & 0x7F != 0:
            return
        now, payload = time.time(), data[12:]
        self.packets += 1
        self._frames.append((now, payload))
        if self.first_audio_at is None and b"\x01" in payload.translate(_LOUD):
            self.first_audio_at = now

    def samples(self, seconds: float) -> list[int]:
        """The samples of the last `seconds` (at most three)."""
        since = time.time() - seconds
        return [LINEAR[byte] for at, payload in self._frames if at >= since for byte in payload]

    def tones(self, frequencies: tuple[int, ...], seconds: float = 0.5, floor: float = 250) -> set[int]:
        """Those of `frequencies` that were heard in the last `seconds`."""
        samples = self.samples(seconds)
        return {frequency for frequency in frequencies if samples and strength(samples, frequency) > floor}

    def energy(self, seconds: float = 0.5) -> float:
        """Root mean square of the last `seconds`; 16-bit scale, 0 when nothing came."""
        return _mean_square_root(self.samples(seconds))

    def loudest(self, since: float) -> float:
        """Root mean square of the loudest frame that came after `since` (time.time(); three seconds are kept)."""
        frames = ([LINEAR[byte] for byte in payload] for at, payload in self._frames if at >= since)
        return max(map(_mean_square_root, frames), default=0.0)


class Mouth:
    """One phone's outgoing RTP stream; the clock calls `tick` every 20 ms while it is in use."""

    def __init__(self, sock: socket.socket, sends: Sends, tone: int = 440) -> None:
        self.sends: Sends = sends
        self.target: tuple[str, int] | None = None
        self._sock = sock
        self._frames = tone_frames(tone) if sends == "tone" else [SILENCE]
        self._number = secrets.randbelow(10000)
        self._stamp = secrets.randbits(24)
        self._source = secrets.randbits(32)

    def tick(self) -> None:
        """Send the frame that is due, if any."""
        self._number += 1
        self._stamp += FRAME
        if self.target is None or (self.sends == "keepalive" and self._number % KEEPALIVE_FRAMES):
            return
        header = struct.pack("!BBHII", 0x80, 0, self._number & 0xFFFF, self._stamp & 0xFFFFFFFF, self._source)
        try:
            self._sock.sendto(header + self._frames[self._number % len(self._frames)], self.target)
        except OSError:
            return  # a full buffer or a far end that is gone: RTP loses packets, that is its nature


class Clock:
    """Sends a frame for every mouth each 20 ms, all from one task. Mouths come and go; the task ends with `close`."""

    def __init__(self) -> None:
        self._mouths: set[Mouth] = set()
        self._task: asyncio.Task[None] | None = None

    def add(self, mouth: Mouth) -> None:
        """Begin to send for `mouth`."""
        if mouth.sends == "nothing":
            return
        self._mouths.add(mouth)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run(), name="rtp-clock")

    def remove(self, mouth: Mouth) -> None:
        """Send no more for `mouth`; the task ends when there is nobody left."""
        self._mouths.discard(mouth)
        if not self._mouths and self._task is not None:
            self._task.cancel()
            self._task = None

    async def _run(self) -> None:
        due = time.monotonic()
        while True:
            due += FRAME_S
            wait = due - time.monotonic()
            if wait < -1.0:  # the machine slept: don't catch up with a burst
                due = time.monotonic()
            await asyncio.sleep(max(0.0, wait))
            for mouth in list(self._mouths):
                mouth.tick()
