"""Asks the child process about a file, and takes its prepared rows while the ones before are being written."""

from __future__ import annotations

import json
import queue
import subprocess
import sys
import threading
from array import array
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import IO, Any

from django.conf import settings
from django.db import connections

from . import sentences
from .reading import BadFile
from .writing import Chunk

LOOK_WITHIN_S = 60
_AHEAD = 2
"""Chunks that are read while one is written."""


def look(asked: dict[str, Any]) -> dict[str, Any]:
    """What the child says of a file. Raises BadFile."""
    try:
        done = subprocess.run(
            _command("look"),
            input=json.dumps(asked).encode(),
            stdout=subprocess.PIPE,
            cwd=settings.BASE_DIR,
            timeout=LOOK_WITHIN_S,
            check=False,
        )
        answer: dict[str, Any] = json.loads(done.stdout)
    except subprocess.TimeoutExpired as error:
        raise BadFile(sentences.TOO_SLOW) from error
    except ValueError as error:
        raise BadFile(sentences.BROKE_OFF) from error
    if "bad" in answer:
        raise BadFile(answer["bad"])
    return answer


def _command(what: str) -> list[str]:
    return [sys.executable, "-m", "dialer.leads.importing.child", what]


def chunks(asked: dict[str, Any], on_each: Callable[[Chunk], None]) -> Iterator[Chunk]:
    """The prepared rows of a file, `on_each` called for each in the thread that reads ahead. Raises BadFile."""
    process = subprocess.Popen(
        _command("prepare"), stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=settings.BASE_DIR
    )
    assert process.stdin is not None and process.stdout is not None
    ready: queue.Queue[Chunk | BaseException | None] = queue.Queue(_AHEAD)
    given_up = threading.Event()
    reader = threading.Thread(target=_read_ahead, args=(process.stdout, on_each, ready, given_up), name="import-reader")
    try:
        with process.stdin as to_child:
            to_child.write(json.dumps(asked).encode())
        reader.start()
        while (chunk := ready.get()) is not None:
            if isinstance(chunk, BaseException):
                raise chunk
            yield chunk
    finally:
        given_up.set()
        process.kill()
        with suppress(queue.Empty):
            while True:
                ready.get_nowait()
        if reader.is_alive():
            reader.join()
        process.stdout.close()
        process.wait()


def _read_ahead(
    source: IO[bytes],
    on_each: Callable[[Chunk], None],
    ready: queue.Queue[Chunk | BaseException | None],
    given_up: threading.Event,
) -> None:
    last: Chunk | BaseException | None = None
    try:
        for chunk in _frames(source):
            on_each(chunk)
            if not _put(ready, chunk, given_up):
                return
    except Exception as error:  # told to the thread that writes, which says it
        last = error
    finally:
        connections.close_all()
        _put(ready, last, given_up)


def _put(ready: queue.Queue[Any], item: object, given_up: threading.Event) -> bool:
    while not given_up.is_set():
        with suppress(queue.Full):
            ready.put(item, timeout=0.2)
            return True
    return False


def _frames(source: IO[bytes]) -> Iterator[Chunk]:
    while line := source.readline():
        head = json.loads(line)
        if "bad" in head:
            raise BadFile(head["bad"])
        if "end" in head:
            return
        lines, problems, phones = (source.read(size) for size in head["sizes"])
        if len(phones) != head["sizes"][2]:
            break
        numbers = array("q")
        numbers.frombytes(phones)
        yield Chunk(
            next_row=head["next"],
            share=head["share"],
            taken=head["taken"],
            again=head["again"],
            others=head["others"],
            refused=head["refused"],
            lines=lines,
            problems=problems,
            phones=numbers,
        )
    raise BadFile(sentences.BROKE_OFF)
