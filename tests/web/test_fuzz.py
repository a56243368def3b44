"""Every address of the site with anything in it: never an error of ours, nothing for those who may not, and nothing
changed by what was refused.

The addresses are those of the URLconf, the fields' names all that forms and views read, the values valid ones mixed
with what nobody should send. Each request is undone, so each meets the same house.
"""

from __future__ import annotations

import importlib
import random
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from django import forms
from django.db import connection, transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from dialer.campaigns.models import Campaign
from dialer.people.models import User
from tests import factories

from .conftest import House

SOURCE = Path(__file__).resolve().parents[2] / "dialer"
_READ = re.compile(r"(?:GET|POST)(?:\.get|\.getlist)?[(\[]\"([a-z_]+)\"")
NASTY: tuple[str, ...] = (
    *("", " ", "\0", "a\0b", "\r\nX: y", "'; DROP TABLE people_user; --", "<script>alert(1)</script>", "{{ 7*7 }}"),
    *("%s%n", "../../etc/passwd", "-1", "0", "1e999", "NaN", "99999999999999999999", "٣", "𝟛", "\ud7ff\ue000"),
    *("x" * 5000, "9" * 400, "[]", "{}", "null", "true", "2026-02-30", "9999-12-31T23:59", "24:00", "+", "+1"),
    *("+" + "1" * 40, "🂡" * 50),
)
VALID: tuple[str, ...] = (
    *("1", "on", "NI", "SALE", "BREAK", "+12125550101", "2026-12-01T10:00", "2026-12-01", "10:00", "ready", "number"),
    *("predictive", "ratio", "3", "0.5", "agent", "anyone", "en", "dark", "a name", "America/New_York", "phone"),
)  # fmt: skip
LEAVES_THE_HOUSE = {"sign-out"}


def addresses(patterns: Any, before: str = "") -> Iterator[tuple[str, URLPattern]]:
    """Every address of the site, as (route, pattern)."""
    for one in patterns:
        route = before + str(one.pattern)
        if isinstance(one, URLResolver):
            yield from addresses(one.url_patterns, route)
        else:
            yield route, one


ALL = [(route, one) for route, one in addresses(get_resolver().url_patterns) if one.name not in LEAVES_THE_HOUSE]


def names() -> list[str]:
    """Every field that a form has or a view reads."""
    found: set[str] = set()
    for path in SOURCE.rglob("*.py"):
        found |= set(_READ.findall(path.read_text()))
        if path.name.endswith("forms.py"):
            module = importlib.import_module(".".join(("dialer", *path.relative_to(SOURCE).with_suffix("").parts)))
            kinds = [one for one in vars(module).values() if isinstance(one, type) and issubclass(one, forms.BaseForm)]
            for kind in kinds:
                found |= set(getattr(kind, "base_fields", {}))
    return sorted(found)


NAMES = names()


class Attack:
    """One round of requests of one person."""

    def __init__(self, seed: int, texts: list[str], ids: list[UUID], numbers: list[int]) -> None:
        self._chance = random.Random(seed)
        self._values = (*NASTY, *texts)
        self._ids, self._numbers = ids, numbers

    def value(self) -> str:
        """A value of a field."""
        kind = self._chance.random()
        if kind < 0.35:
            return self._chance.choice(VALID)
        return str(self._chance.choice(self._ids)) if kind < 0.45 else self._chance.choice(self._values)

    def fields(self) -> dict[str, Any]:
        """Some fields with some values; now and then a field twice."""
        some = self._chance.sample(NAMES, self._chance.randint(0, min(30, len(NAMES))))
        return {name: self.value() if self._chance.random() < 0.9 else [self.value(), self.value()] for name in some}

    def path(self, route: str, one: URLPattern) -> str:
        """The address with things of the house, or of nobody, in it."""
        for name, converter in one.pattern.converters.items():
            kind = type(converter).__name__
            if kind == "UUIDConverter":
                value = str(self._chance.choice([*self._ids, uuid4()]))
            elif kind == "IntConverter":
                value = str(self._chance.choice([*self._numbers, 0, 2**31, 2**63, 10**30]))
            else:
                value = self._chance.choice(["call", "lead", "first_name", "x", "%00", "%27", "…"])
            route = re.sub(rf"<(?:\w+:)?{name}>", lambda _, value=value: value, route)
        return f"/{route}"

    def request(self, client: Client, route: str, one: URLPattern) -> tuple[str, Any]:
        """Send one request; what was sent, and the answer."""
        path, fields = self.path(route, one), self.fields()
        headers = {"HX-Request": "true"} if self._chance.random() < 0.5 else {}
        how = self._chance.choice(("get", "get", "post", "post", "post", "raw", "put"))
        if how == "raw":
            kind = self._chance.choice(("application/json", "multipart/form-data; boundary=x", "text/plain", "x/y"))
            body = self.value().encode("utf-8", "surrogatepass")
            return f"raw {path}", client.post(path, data=body, content_type=kind, headers=headers)
        if how == "put":
            return f"put {path}", client.put(path, headers=headers)
        return f"{how} {path} {fields}", getattr(client, how)(path, fields, headers=headers)


def written() -> dict[str, int]:
    """How many rows of each table this transaction has written, taken back or not."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname, n_tup_ins + n_tup_upd + n_tup_del FROM pg_stat_xact_user_tables"
            " WHERE n_tup_ins + n_tup_upd + n_tup_del > 0 AND relname <> 'django_session'"
        )
        return dict(cursor.fetchall())


def contents(tables: Iterable[str]) -> dict[str, str]:
    """What these tables hold."""
    found = {}
    with connection.cursor() as cursor:
        for table in tables:
            name = connection.ops.quote_name(table)
            cursor.execute(f"SELECT coalesce(md5(string_agg(t::text, '|' ORDER BY t::text)), '') FROM {name} t")
            found[table] = cursor.fetchone()[0]
    return found


def refused(sent: str, answer: Any) -> bool:
    """Whether this was no valid order: a question, something that was turned down, or a form with errors."""
    if answer.status_code >= 400 or sent.startswith(("get ", "put ")):
        return True
    layers = [layer if isinstance(layer, dict) else layer.flatten() for layer in answer.context or ()]
    forms_shown = [one for layer in layers for one in layer.values() if isinstance(one, forms.BaseForm)]
    return any(one.is_bound and one.errors for one in forms_shown)


@pytest.fixture
def things(house: House, campaign: Campaign) -> tuple[list[UUID], list[int]]:
    """The outward and inward ids of everything in the house."""
    lead = factories.make_lead(campaign)
    session = factories.make_session(campaign, house.agent)
    call = factories.make_call(campaign, lead=lead, session=session)
    ids = [campaign.public_id, lead.public_id, lead.list.public_id, session.public_id, call.pk]
    ids += [house.agent.public_id, house.admin.public_id]
    return ids, [
        house.team.pk,
        campaign.disposition_set_id,
        *campaign.disposition_set.dispositions.values_list("pk", flat=True),
    ]


ROLES = ("agent", "supervisor", "admin", "manager", "stranger", "nobody")


@pytest.mark.parametrize("role", ROLES)
@settings(
    max_examples=2, phases=[Phase.explicit, Phase.generate], suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(seed=st.integers(0, 2**32), texts=st.lists(st.text(max_size=40), min_size=3, max_size=8))
def test_nothing_that_is_sent_is_an_error_of_ours(
    role: str, house: House, things: tuple[list[UUID], list[int]], seed: int, texts: list[str]
) -> None:
    user: User | None = getattr(house, role, None)
    attack = Attack(seed, texts, *things)
    client = Client()
    for route, one in ALL:
        with transaction.atomic():
            if user is not None:
                client.force_login(user)
            sent = f"{role} {route}"
            before = written()
            try:
                sent, answer = attack.request(client, route, one)
            except Exception as error:
                raise AssertionError(f"{role}: {route} raised {type(error).__name__}: {error} ({sent})") from error
            status = answer.status_code
            assert status < 500 or route == "readyz", f"{role}: {status} for {sent}"
            outsider = role in ("stranger", "nobody") and any(str(one) in sent.split(" ")[1] for one in things[0])
            if outsider and not route.startswith("tv/"):
                assert status in (302, 401, 403, 404, 405), f"{role}: {status} for {sent}"
            touched = [table for table, count in written().items() if count != before.get(table, 0)]
            after = contents(touched) if refused(sent, answer) or outsider else {}
            transaction.set_rollback(True)
        if after:
            changed = [table for table, digest in contents(after).items() if digest != after[table]]
            assert not changed, f"{role}: {status} for {sent} changed {changed}"
