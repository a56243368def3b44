"""The carrier's voices and the PBX's messages, spoken by espeak-ng of the tree and written as 8 kHz mu-law files.

24 people who pick up (a short greeting) and 24 answering machines (a long greeting, then a beep), each with its own
voice, speed, pause before speaking, level and background noise. The seed is fixed: every machine makes the same
files. Needs numpy.
"""

from __future__ import annotations

import fcntl
import json
import os
import random
import shutil
import subprocess
import wave
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import SandboxFailed
from .fetch import Report, Tree

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Samples = NDArray[np.float64]

RATE = 8000
PEOPLE = 24
MACHINES = 24
VERSION = 3
"""Raise it to have the files made anew."""
SEED = 7

_VOICES = ("en-us", "en-gb", "en-us+f3", "en-us+f2", "en-gb+f4", "en-us+m3", "en-us+m5", "en-gb-scotland")
_PEOPLE_SAY = (
    "Hello?",
    "Good morning.",
    "Yes, hello?",
    "Hi, Anna speaking.",
    "Hello, who's calling?",
    "This is Robert.",
    "Yes?",
    "Hello there.",
    "Miller household.",
    "Hi.",
    "Hello, hello?",
    "Yeah?",
)
_MACHINES_SAY = (
    "Hello, this is the home of the Carter family. None of us can take your call right now. Please leave "
    "a message after the tone.",
    "Hi, it's Denise. I am away from my phone at the moment. Leave your name and your number, and I will "
    "call you back soon.",
    "The customer you have called is not available at present. Please record a message after the beep, "
    "and hang up when you are done.",
    "You are connected with Harbour Street Bakery. We are closed at the moment. We open every day at "
    "seven in the morning.",
    "Your call is being answered by an automatic message service. At the tone, please record what you "
    "would like to say.",
    "Hey, Luke here. You know what to do, so leave a message.",
    "There is nobody at home to answer this call. If it is important, please leave a short message after "
    "the tone. Thank you.",
    "Hi! We are out walking the dog, or asleep on the sofa. Tell us who you are and we will ring you back when we can.",
)
_MESSAGES = {
    "safe-harbour": "Hello. We called you, but no member of our staff is free to speak with you right now. "
    "We are sorry for the disturbance. To be taken off our list, please call us back at the number shown. Goodbye.",
    "recorded": "This call is recorded.",
    "closed": "Thank you for calling. We cannot take your call at the moment. Please try again later. Goodbye.",
    "all-busy": "Thank you for waiting. We are sorry: nobody is free to speak with you right now. Please call again "
    "later. Goodbye.",
}


@dataclass(frozen=True, slots=True)
class _Take:
    """One file to be made: what is said by whom, after which silence, how loud and how noisy."""

    name: str
    text: str
    voice: str
    speed: int
    lead_s: float
    tail_s: float
    gain: float
    noise: int
    beep: bool


def ensure_voices(tree: Tree, report: Report) -> Path:
    """The folder of voices, made when missing (about 5 s). Raises SandboxFailed when espeak-ng does not run."""
    folder = tree.path / f"voices-{VERSION}"
    if (folder / "index.json").exists():
        return folder
    with (tree.path / ".voices.lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        if (folder / "index.json").exists():
            return folder
        report("Carrier: recording the voices")
        work = tree.path / "voices.new"
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir()
        index = _make_all(tree, work)
        (work / "index.json").write_text(json.dumps(index, indent=1, sort_keys=True) + "\n")
        shutil.rmtree(folder, ignore_errors=True)
        work.rename(folder)
    return folder


def _takes() -> list[_Take]:
    rng = random.Random(SEED)
    takes = []
    for number in range(PEOPLE + MACHINES):
        person = number < PEOPLE
        says = _PEOPLE_SAY if person else _MACHINES_SAY
        index = number if person else number - PEOPLE
        takes.append(
            _Take(
                name=f"{'person' if person else 'machine'}-{index:02d}",
                text=says[index % len(says)],
                voice=rng.choice(_VOICES),
                speed=rng.randint(140, 188),
                lead_s=rng.uniform(0.15, 1.1),
                tail_s=rng.uniform(1.0, 2.0) if person else 0.6,
                gain=rng.uniform(0.35, 1.0),
                noise=rng.choice((2, 8, 20, 60)),
                beep=not person,
            )
        )
    messages = [_Take(name, text, "en-us", 155, 0.2, 0.3, 0.9, 0, False) for name, text in _MESSAGES.items()]
    return takes + messages


def _make_all(tree: Tree, folder: Path) -> dict[str, dict[str, Any]]:
    import numpy as np

    takes = _takes()
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        spoken = list(pool.map(lambda take: _speak(tree, take, folder), takes))
    index: dict[str, dict[str, Any]] = {}
    for number, (take, speech) in enumerate(zip(takes, spoken, strict=True)):
        parts = [_silence(take.lead_s), speech * take.gain, _silence(take.tail_s)]
        if take.beep:
            parts += [_tone(1000, 0.5), _silence(1.0)]
        samples = np.concatenate(parts)
        samples = samples + np.random.default_rng(SEED * 1000 + number).normal(0, take.noise or 1, samples.size)
        _write(folder / f"{take.name}.ulaw", samples)
        index[take.name] = {
            "text": take.text,
            "voice": take.voice,
            "lead_s": round(take.lead_s, 2),
            "speech_s": round(speech.size / RATE, 2),
            "seconds": round(samples.size / RATE, 2),
        }
    _write(folder / "fax.ulaw", np.concatenate([_tone(2100, 3.0), _silence(1.0)] * 3))
    _write(folder / "steady.ulaw", _tone(1000, 10.0))
    return index


def _speak(tree: Tree, take: _Take, folder: Path) -> Samples:
    """Have espeak-ng say it; samples at 8 kHz, silence trimmed at both ends, peak at half of full scale."""
    import numpy as np

    raw = folder / f"{take.name}.raw.wav"
    data = next((tree.root / "usr/lib").glob("*/espeak-ng-data"), tree.root / "usr/share/espeak-ng-data")
    command = tree.command(
        "usr/bin/espeak-ng", f"--path={data.parent}", "-v", take.voice, "-s", str(take.speed), "-w", str(raw), take.text
    )
    environment = {"PATH": os.environ.get("PATH", ""), "ESPEAK_DATA_PATH": str(data.parent), "LC_ALL": "C.UTF-8"}
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False
    )
    if done.returncode != 0 or not raw.exists():
        raise SandboxFailed(f"espeak-ng ended with code {done.returncode}: {done.stderr.strip()[-300:]}")
    with wave.open(str(raw)) as source:
        rate = source.getframerate()
        samples = np.frombuffer(source.readframes(source.getnframes()), dtype="<i2").astype(np.float64)
    raw.unlink()
    samples = resample(samples, rate, RATE)
    loud = np.flatnonzero(np.abs(samples) > 0.005 * 32768)
    if loud.size == 0:
        raise SandboxFailed(f"espeak-ng said nothing for {take.name}")
    samples = samples[loud[0] : loud[-1] + 1]
    return np.asarray(samples * (16384 / np.abs(samples).max()), dtype=np.float64)


def resample(samples: Samples, rate: int, new_rate: int, taps: int = 48) -> Samples:
    """Change the sample rate with a Hann-windowed sinc, cut off at 45 % of the lower rate."""
    import numpy as np

    cutoff = 0.45 * min(rate, new_rate) / rate
    reach = int(np.ceil(taps * max(1.0, rate / new_rate) / 2))
    at = np.arange(int(samples.size * new_rate / rate)) * (rate / new_rate)
    padded = np.concatenate([np.zeros(reach), samples, np.zeros(reach + 1)])
    offsets = np.arange(-reach + 1, reach + 1)
    out = np.empty(at.size)
    for start in range(0, at.size, 2048):  # in pieces, for the cache's sake
        piece = at[start : start + 2048]
        base = np.floor(piece).astype(int)
        distance = piece[:, None] - (base[:, None] + offsets)
        kernel = (
            2 * cutoff * np.sinc(2 * cutoff * distance) * (0.5 + 0.5 * np.cos(np.pi * np.clip(distance / reach, -1, 1)))
        )
        out[start : start + 2048] = (padded[base[:, None] + offsets + reach] * kernel).sum(axis=1)
    return out


def _tone(frequency: int, seconds: float, level: float = 8000) -> Samples:
    import numpy as np

    return np.asarray(level * np.sin(2 * np.pi * frequency * np.arange(int(seconds * RATE)) / RATE), dtype=np.float64)


def _silence(seconds: float) -> Samples:
    import numpy as np

    return np.zeros(int(seconds * RATE))


def encode_ulaw(samples: Samples) -> bytes:
    """G.711 mu-law of 16-bit samples (values beyond the range are clipped)."""
    import numpy as np

    clipped = np.clip(np.rint(samples), -32635, 32635).astype(np.int64)
    sign = np.where(clipped < 0, 0x80, 0)
    magnitude = np.abs(clipped) + 132
    exponent = np.maximum(np.floor(np.log2(magnitude)).astype(np.int64) - 7, 0)
    mantissa = (magnitude >> (exponent + 3)) & 0x0F
    return bytes((~(sign | (exponent << 4) | mantissa) & 0xFF).astype(np.uint8))


def _write(path: Path, samples: Samples) -> None:
    path.write_bytes(encode_ulaw(samples))
