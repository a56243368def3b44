"""Read what the simulated carrier wrote about the calls it received: what really happened.

The file is written by the carrier's Asterisk itself (cdr_custom), one line per INVITE that arrived, when the call is
over.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

COLUMNS = 12
ENTRY, LINES = "network", "calling"
"""The contexts of the carrier's dialplan where calls arrive, and where those go who call us."""
THEY_HUNG_UP = "T"
"""Where in `calling` a caller goes whose own time was up: a second line of the same call."""
PATIENCE_S = 30.0
"""How long a caller lets it ring who has no time of their own: so long `channel originate` waits for an answer."""


@dataclass(frozen=True, slots=True)
class TruthCall:
    """One call as the carrier saw it. Times are epoch seconds of the machine's clock."""

    unique_id: str
    number: str
    """As dialed."""
    caller_id: str
    """The number that was shown to the person called."""
    behaviour: str
    """The kind (see behaviour.py), or empty when the call ended before the carrier chose."""
    arrived: float
    ringing: float | None
    answered: float | None
    ended: float
    cause: int
    """Q.850 cause at the carrier's side."""
    ended_by: Literal["us", "them"]
    """`us`: the dialer's switch hung up (or cancelled)."""


@dataclass(frozen=True, slots=True)
class CallerCall:
    """One call of somebody on the carrier who dialed us, as the carrier saw it. Times as in TruthCall."""

    dialed: str
    number: str
    """Their own; empty when it is withheld."""
    arrived: float
    answered: float | None
    ended: float
    ended_by: Literal["us", "them"]


def read_truth(path: Path | str) -> list[TruthCall]:
    """All calls that are over, in the order of their ends.

    It is empty while there is no file. A half-written last line is left out.
    """
    return [call for row in _rows(path) if (call := _parse(row)) is not None]


def read_callers(path: Path | str) -> list[CallerCall]:
    """All calls to us that are over. They hung up if their own time was up, or their patience before an answer.

    Of a call that nobody answered there is a line for either half of the caller's channel; one half knows of no ends.
    """
    rows = [row for row in _rows(path) if row[11] == LINES and row[9]]
    gone = {row[0] for row in rows if row[10] == THEY_HUNG_UP}
    found = []
    for row in rows:
        dialed, star, number = row[10].partition("*")
        if star:
            arrived, answered, ended = float(row[4]), _time(row[6]), float(row[7])
            impatient = answered is None and ended - arrived >= PATIENCE_S
            by: Literal["us", "them"] = "them" if row[0] in gone or impatient else "us"
            found.append(CallerCall(dialed, number.partition("*")[0], arrived, answered, ended, by))
    return found


def _rows(path: Path | str) -> list[list[str]]:
    try:
        text = Path(path).read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return []
    whole = text[: text.rfind("\n") + 1]
    return [row for row in csv.reader(whole.splitlines()) if len(row) == COLUMNS]


def _parse(row: list[str]) -> TruthCall | None:
    unique_id, number, shown, behaviour, arrived, ringing, answered, ended, cause, ended_by, extension, context = row
    if not number and context == ENTRY:  # cancelled before the dialplan's first step
        number = extension
    if not number:  # a call that the carrier itself made, to us
        return None
    return TruthCall(
        unique_id=unique_id,
        number=number,
        caller_id=shown,
        behaviour=behaviour,
        arrived=float(arrived),
        ringing=_time(ringing),
        answered=_time(answered),
        ended=float(ended),
        cause=int(cause or 0),
        ended_by="them" if ended_by == "them" else "us",
    )


def _time(text: str) -> float | None:
    value = float(text) if text else 0.0
    return value or None
