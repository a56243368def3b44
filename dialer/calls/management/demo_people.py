"""The people of the demo: names out of small lists, numbers that nobody has, always the same ones.

Numbers are 555-0100 to 555-0199 in real area codes: kept for fiction, so that a demo which somebody points at a real
trunk rings nobody. Their area codes give them real time zones, their last digits a behaviour on the simulated carrier.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

from dialer.leads.services import NewLead

AREA_CODES = """
    201 202 203 205 206 207 208 210 212 213 214 215 216 217 218 219 225 228 229 234 239 240 251 253 256 260 270 276
    281 302 303 304 305 307 308 309 310 312 313 314 315 316 317 318 319 320 321 323 325 330 334 336 337 347 360 361
    386 401 402 404 405 406 407 410 412 413 414 415 417 419 423 425 432 434 435 440 443 479 480
""".split()  # noqa: SIM905
FIRST = """
    Ada Aaron Amara Anders Beatriz Bela Caleb Carmen Chidi Clara Dario Delia Edith Elias Emeka Esther Farid Felix
    Fiona Gideon Greta Hana Hector Ines Isaac Jada Jonas Josefina Kaito Kezia Lars Leila Lorenzo Mabel Malik Marisol
    Nadia Nils Odette Omar Paloma Pieter Quentin Rafaela Rhys Rosa Samir Selma Silvio Tamsin Tobias Uma Vera Viktor
    Wanda Yara Yusuf Zelda
""".split()  # noqa: SIM905
LAST = """
    Abernathy Adeyemi Aldana Bakker Barlow Benedetti Brannigan Cardoso Castellanos Chowdhury Coleman Corrigan Dahl
    Delacroix Donnelly Eastman Ekwueme Fairchild Farrow Fontaine Galloway Garza Grantham Hallström Hargrove Hidalgo
    Ibrahim Iverson Jansen Jefferies Kapoor Kowalski Lachance Lindqvist Lockwood Marchetti McAllister Mbeki Montoya
    Nakamura Novak O'Dwyer Okafor Oyelaran Pemberton Petrov Quigley Ramaswamy Renaud Rosenthal Sandoval Schreiber
    Sinclair Tanaka Thibodeaux Underhill Valdez Vasquez Weatherby Whitlock Yamada Zielinski
""".split()  # noqa: SIM905
COMPANIES = (
    "Northgate Marine",
    "Bluewater Charters",
    "Pier Nine Coffee",
    "Larkspur Dental",
    "Osprey Roofing",
    "Tidewater Printing",
    "Juniper & Sons",
    "Saltbox Bakery",
    "Fairlead Insurance",
)
NOTES = (
    "Policy renews next month.",
    "Asked for a call back in spring.",
    "Prefers mornings.",
    "Has two boats on one policy.",
    "Answered the survey last year.",
)


def people(seed: str) -> Iterator[NewLead]:
    """Leads without end, the same for the same seed; numbers repeat only after every one was used."""
    chance = random.Random(seed)
    while True:
        numbers = [f"+1{area}555{line:04d}" for area in AREA_CODES for line in range(100, 200)]
        chance.shuffle(numbers)
        for number in numbers:
            yield NewLead(
                phone=number,
                first_name=chance.choice(FIRST),
                last_name=chance.choice(LAST),
                company=chance.choice(COMPANIES) if chance.random() < 0.3 else "",
                notes=chance.choice(NOTES) if chance.random() < 0.25 else "",
            )
