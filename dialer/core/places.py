"""Where somebody lives, by postal code, state or address: the state or province and every time zone it may mean. Pure.

Three digits of a US ZIP code name a state (USPS Publication 65 and Domestic Mail Manual L002), the first letter of a
Canadian postal code a province (Canada Post). Zones by state are those of 49 CFR 71: where one has several, all count,
except where the code's first digits tell which (Texas, Florida). The strictest of all zones decides about a call.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

_ZIPS = """
005 NY 006-007 PR 008 VI 009 PR 010-027 MA 028-029 RI 030-038 NH 039-049 ME 050-054 VT 055 MA 056-059 VT 060-062 CT
063 CT,NY 064-069 CT 070-089 NJ 100-149 NY 150-196 PA 197-199 DE 200 DC 201 VA 202-205 DC 206-219 MD 220-246 VA
247-268 WV 270-289 NC 290-299 SC 300-319 GA 320-339 FL 341-342 FL 344 FL 346-347 FL 349 FL 350-369 AL 370-385 TN
386-397 MS 398-399 GA 400-427 KY 430-459 OH 460-479 IN 480-499 MI 500-528 IA 530-549 WI 550-567 MN 569 DC 570-577 SD
580-588 ND 590-599 MT 600-629 IL 630-658 MO 660-679 KS 680-693 NE 700-714 LA 716-729 AR 730-732 OK 733 TX 734-749 OK
750-799 TX 800-816 CO 820-831 WY 832-838 ID 840-847 UT 850-865 AZ 870-884 NM 885 TX 889-898 NV 900-961 CA 967-968 HI
969 GU 970-979 OR 980-994 WA 995-999 AK
"""
_E, _C, _M, _P = "America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles"
_STATE_ZONES: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(
        ["CT", "DC", "DE", "GA", "MA", "MD", "ME", "NC", "NH", "NJ", "NY", "OH", "PA", "RI", "SC", "VA", "VT", "WV"],
        (_E,),
    ),
    **dict.fromkeys(["AL", "AR", "IA", "IL", "LA", "MN", "MO", "MS", "OK", "WI"], (_C,)),
    **dict.fromkeys(["CO", "MT", "NM", "UT", "WY"], (_M,)),
    **dict.fromkeys(["CA", "WA"], (_P,)),
    **dict.fromkeys(["FL", "IN", "KY", "MI", "TN"], (_E, _C)),
    **dict.fromkeys(["KS", "ND", "NE", "SD", "TX"], (_C, _M)),
    **dict.fromkeys(["ID", "NV", "OR"], (_M, _P)),
    "AZ": ("America/Phoenix", _M),
    "AK": ("America/Anchorage", "America/Adak"),
    "HI": ("Pacific/Honolulu",),
    "PR": ("America/Puerto_Rico",),
    "VI": ("America/St_Thomas",),
    "GU": ("Pacific/Guam",),
}
_PROVINCE_ZONES: dict[str, tuple[str, ...]] = {
    "NL": ("America/St_Johns", "America/Halifax"),
    **dict.fromkeys(("NS", "NB", "PE"), ("America/Halifax",)),
    "QC": ("America/Toronto", "America/Halifax"),
    "ON": ("America/Toronto", "America/Winnipeg"),
    "MB": ("America/Winnipeg",),
    "SK": ("America/Regina", "America/Edmonton"),
    "AB": ("America/Edmonton",),
    "BC": ("America/Vancouver", "America/Edmonton"),
    "YT": ("America/Whitehorse",),
    "NT": ("America/Edmonton",),
    "NU": ("America/Toronto", "America/Winnipeg", "America/Edmonton"),
}
_PROVINCES = dict(
    zip(
        "ABCEGHJKLMNPRSTVY",
        ["NL", "NS", "PE", "NB", "QC", "QC", "QC", "ON", "ON", "ON", "ON", "ON", "MB", "SK", "AB", "BC", "YT"],
        strict=True,
    )
)
_NAMES = {
    "alabama": "AL", "alaska": "AK", "arizona": "AZ", "arkansas": "AR", "california": "CA", "colorado": "CO",
    "connecticut": "CT", "delaware": "DE", "district of columbia": "DC", "florida": "FL", "georgia": "GA",
    "hawaii": "HI", "idaho": "ID", "illinois": "IL", "indiana": "IN", "iowa": "IA", "kansas": "KS", "kentucky": "KY",
    "louisiana": "LA", "maine": "ME", "maryland": "MD", "massachusetts": "MA", "michigan": "MI", "minnesota": "MN",
    "mississippi": "MS", "missouri": "MO", "montana": "MT", "nebraska": "NE", "nevada": "NV", "new hampshire": "NH",
    "new jersey": "NJ", "new mexico": "NM", "new york": "NY", "north carolina": "NC", "north dakota": "ND",
    "ohio": "OH", "oklahoma": "OK", "oregon": "OR", "pennsylvania": "PA", "puerto rico": "PR", "rhode island": "RI",
    "south carolina": "SC", "south dakota": "SD", "tennessee": "TN", "texas": "TX", "utah": "UT", "vermont": "VT",
    "virginia": "VA", "washington": "WA", "west virginia": "WV", "wisconsin": "WI", "wyoming": "WY",
    "newfoundland and labrador": "NL", "nova scotia": "NS", "new brunswick": "NB", "prince edward island": "PE",
    "quebec": "QC", "québec": "QC", "ontario": "ON", "manitoba": "MB", "saskatchewan": "SK", "alberta": "AB",
    "british columbia": "BC", "yukon": "YT", "northwest territories": "NT", "nunavut": "NU",
}  # fmt: skip
_ZIP = re.compile(r"(\d{3,5})(?:-?\d{4})?", re.ASCII)
_CANADIAN = re.compile(r"([ABCEGHJ-NPRSTVXY])\d[A-Z] ?\d[A-Z]\d", re.ASCII)
_END_OF_ADDRESS = re.compile(
    r"[\s,]([A-Z]{2})[\s,.]+(\d{5}(?:-\d{4})?|[ABCEGHJ-NPRSTVXY]\d[A-Z] ?\d[A-Z]\d)(?:[\s,]+(?:USA?|CANADA))?\W*",
    re.ASCII | re.IGNORECASE,
)


def _read_zips() -> dict[str, tuple[str, ...]]:
    words = _ZIPS.split()
    found: dict[str, tuple[str, ...]] = {}
    for span, states in zip(words[::2], words[1::2], strict=True):
        first, _, last = span.partition("-")
        for code in range(int(first), int(last or first) + 1):
            found[f"{code:03d}"] = tuple(states.split(","))
    return found


_STATES_OF_ZIP = _read_zips()


@dataclass(frozen=True, slots=True)
class Place:
    """`region`: the state or province (ISO 3166-2), empty when it is not known; `zones`: all that it may mean."""

    region: str = ""
    postal_code: str = ""
    zones: tuple[str, ...] = ()


@lru_cache(maxsize=65536)
def place_of(postal_code: str, region: str, address: str = "") -> Place:
    """Where this is. A state that is told names the region; the zones are all that any of the three means.

    An address counts by the state and code at its end, and only when neither of the others is given.
    """
    if not postal_code and not region:
        end = _END_OF_ADDRESS.search(address[-40:])
        if end is None or end.end() != len(address[-40:]):
            return Place()
        region, postal_code = end[1], end[2]
    told = _region(region)
    code, regions, zones = _by_code(postal_code.strip().upper(), told)
    if told:
        own = _zones_of(told)
        zones = zones if set(zones) <= set(own) and zones else tuple(dict.fromkeys((*own, *zones)))
    named = told or (regions[0] if len(regions) == 1 else "")
    return Place(named, code[:12], zones)


def _region(text: str) -> str:
    word = text.strip()
    short = word.upper().removeprefix("US-").removeprefix("CA-") if "-" in word else word.upper()
    short = short if len(short) == 2 else _NAMES.get(word.lower(), "")
    if short in _STATE_ZONES:
        return f"US-{short}"
    return f"CA-{short}" if short in _PROVINCE_ZONES else ""


def _zones_of(region: str) -> tuple[str, ...]:
    country, _, short = region.partition("-")
    return (_STATE_ZONES if country == "US" else _PROVINCE_ZONES)[short]


def _by_code(code: str, told: str) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    """The code as it should be written, the regions and the zones that it means."""
    if (canadian := _CANADIAN.fullmatch(code)) is not None:
        letter = canadian[1]
        names = ("NT", "NU") if letter == "X" else (_PROVINCES[letter],)
        zones = tuple(dict.fromkeys(zone for name in names for zone in _PROVINCE_ZONES[name]))
        return code, tuple(f"CA-{name}" for name in names), zones
    if (zip_code := _ZIP.fullmatch(code)) is None or told.startswith("CA-"):
        return code, (), ()
    whole = zip_code[1].zfill(5)  # spreadsheets drop the zeros that codes of the north-east begin with
    states = _STATES_OF_ZIP.get(whole[:3], ())
    zones = tuple(dict.fromkeys(zone for state in states for zone in _zones_of_zip(whole[:3], state)))
    return whole + code[len(zip_code[1]) :], tuple(f"US-{state}" for state in states), zones


def _zones_of_zip(three: str, state: str) -> tuple[str, ...]:
    if state == "TX" and three not in ("798", "799", "885"):
        return (_C,)
    if state == "FL" and three not in ("324", "325"):
        return (_E,)
    return _STATE_ZONES[state]
