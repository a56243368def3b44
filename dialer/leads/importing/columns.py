"""Which column of a file means what: the fields that can be filled, and a guess by the columns' names. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Sequence

CUSTOM = "custom."
"""What the names of a campaign's own fields begin with here."""
TEXTS = {"first_name": 120, "last_name": 120, "company": 120, "address": 200, "city": 80, "notes": 8000}
"""Fields that take any text, with how long it may be."""
NUMBERS = {"mobile_phone": "mobile", "home_phone": "home", "work_phone": "work", "other_phone": "other"}
"""Further numbers, with their kinds."""
PLACES = ("region", "postal_code", "time_zone")
TARGETS = ("phone", *TEXTS, *PLACES, *NUMBERS)

_ALSO = {
    "phone": "phone phone_number telephone tel number telefono telefon phone1 primary_phone main_phone",
    "mobile_phone": "mobile cell cell_phone mobile_number movil cellphone",
    "home_phone": "home_number",
    "work_phone": "work_number business_phone office_phone",
    "other_phone": "alt_phone alternate_phone phone2 phone_2 secondary_phone",
    "first_name": "first firstname given_name forename nombre vorname",
    "last_name": "last lastname surname family_name apellido apellidos nachname",
    "company": "company_name organisation organization business empresa compania firma account",
    "notes": "note comments comment remarks notas",
    "address": "address1 address_1 street street_address direccion strasse",
    "city": "town ciudad ort",
    "region": "state province st estado provincia",
    "postal_code": "zip zipcode zip_code postcode postal plz codigo_postal",
    "time_zone": "timezone zone tz",
}
_NAMES = {name: target for target, names in _ALSO.items() for name in (target, *names.split())}


def _plain(title: str) -> str:
    """A column's name without accents, in small letters: Teléfono is telefono, Straße strasse."""
    letters = unicodedata.normalize("NFKD", title.casefold())
    letters = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return re.sub(r"[^a-z0-9]+", "_", letters).strip("_")


def guess(header: Sequence[str], own: Collection[str]) -> dict[int, str]:
    """What the columns mean, by their names; each field once. `own`: names of the campaign's own fields."""
    found: dict[int, str] = {}
    for place, title in enumerate(header):
        name = _plain(title)
        target = _NAMES.get(name) or (CUSTOM + name if name in own else "")
        if target and target not in found.values():
            found[place] = target
    if "phone" not in found.values():  # a file with mobile numbers only
        for place, target in found.items():
            if target in NUMBERS:
                found[place] = "phone"
                break
    return found
