"""What others may read of compliance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Func, IntegerField, Sum
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from dialer.campaigns.models import WEEKDAYS
from dialer.core.clock import now

from . import national, rulebook
from .laws import Level, Notice, Purpose, Rule
from .models import CampaignTerms, GateVerdict, NationalChunk, NationalList


def on_national(numbers: Sequence[int], *, names: Sequence[str] | None = None) -> set[int]:
    """Those of the numbers (E.164 digits as integers) that are on an official do-not-call list as it stands now.

    `names`: only these lists (e.g. national-us); None: every one. Fastest in batches of thousands.
    """
    lists = NationalList.objects.filter(is_current=True)
    if names is not None:
        lists = lists.filter(name__in=names)
    found: set[int] = set()
    for list_id in lists.values_list("pk", flat=True):
        found |= national.listed(list_id, numbers)
    return found


def recording_notice(verdict: GateVerdict | None) -> Notice:
    """What those on a call must hear of its being recorded, as its verdict says; one that says nothing: a sentence.

    So for a call without a verdict: where somebody is who called us, nobody knows.
    """
    said = verdict.evidence.get("recording") if verdict is not None else None
    return Notice(said) if said in set(Notice) else Notice.ANNOUNCE


@dataclass(frozen=True, slots=True)
class OfficialList:
    """An official list as a screen tells of it. `state`: fresh, stale or missing; `row` is None when it is missing."""

    name: str
    asked_by: str
    max_days: int
    row: NationalList | None
    state: str
    age_days: int = 0
    size_mb: str = "0"


def official_lists() -> list[OfficialList]:
    """Every list that a rule pack asks for, and every other that is loaded."""
    asked: dict[str, Rule] = {}
    for pack in rulebook.packs():
        for rule in pack.rules:
            if rule.kind == "national" and (rule.list not in asked or rule.within < asked[rule.list].within):
                asked[rule.list] = rule
    rows = {row.name: row for row in NationalList.objects.filter(is_current=True)}
    return [_official(name, asked.get(name), rows.get(name)) for name in sorted({*asked, *rows})]


def _official(name: str, rule: Rule | None, row: NationalList | None) -> OfficialList:
    asked_by = f"{rule.source} ({rule.pack})" if rule else _("asked for by no rule pack")
    max_days = rule.within.days if rule else 0
    if row is None:
        return OfficialList(name, asked_by, max_days, None, "missing")
    age = now() - row.as_of
    state = "stale" if rule is not None and age > rule.within else "fresh"
    return OfficialList(name, asked_by, max_days, row, state, age.days, f"{_bytes_of(row) / 1e6:.1f}")


def _bytes_of(row: NationalList) -> int:
    length = Func("body", function="octet_length", output_field=IntegerField())
    found: int = NationalChunk.objects.filter(list=row).aggregate(all=Coalesce(Sum(length), 0))["all"]
    return found


@dataclass(frozen=True, slots=True)
class LawLine:
    """One rule in words."""

    where: str
    what: str
    source: str
    pack: str


def law_in_words(terms: CampaignTerms) -> list[LawLine]:
    """The rules that the packs have for calls of the campaign's purpose today."""
    today, purpose = now().date(), Purpose(terms.purpose)
    return [
        LawLine(
            ", ".join(rule.regions) or ", ".join(rule.countries).replace("*", _("everywhere")),
            _in_words(rule),
            rule.source,
            rule.pack,
        )
        for pack in rulebook.packs()
        for rule in pack.rules
        if rule.holds_on(today) and (not rule.purposes or purpose in rule.purposes)
    ]


def _in_words(rule: Rule) -> str:
    values = {
        "list": rule.list,
        "calls": rule.calls,
        "days": rule.within.days,
        "hours": int(rule.within.total_seconds() // 3600),
        "week": _week_in_words(rule) if rule.kind == "window" else "",
        "how": _NOTICES[Notice(rule.notice)] if rule.kind == "recording" else "",
    }
    words = _template(rule) % values
    if rule.kind == "window" and rule.holidays:
        words += _(", not on holidays")
    if rule.paced:
        words += " " + _("(not for calls by hand)")
    if rule.fallback:
        words += " " + _("where no pack of the country is known")
    return words


def _template(rule: Rule) -> str:
    match rule.kind:
        case "window":
            return _("calls %(week)s")
        case "national":
            return _("no calls to numbers on %(list)s, which may be %(days)s days old")
        case "attempts" if rule.per == "lead":
            return _("%(calls)s calls to a lead in %(hours)s hours at most")
        case "attempts":
            return _("%(calls)s calls to a number in %(hours)s hours at most")
        case "conversation":
            return _("no call within %(days)s days after a conversation")
        case "abandoned":
            return _("no call within %(hours)s hours after an abandoned one")
        case "consent":
            return _("written consent") if rule.level == Level.WRITTEN else _("express consent")
        case _:
            return _("people hear of a recording: %(how)s")


_NOTICES = {Notice.NONE: lazy("nothing"), Notice.BEEP: lazy("a beep"), Notice.ANNOUNCE: lazy("a sentence")}


def _week_in_words(rule: Rule) -> str:
    spans: list[tuple[str, str, str]] = []
    for day, (opens, closes) in zip(map(str, WEEKDAYS), rule.hours, strict=True):
        span = f"{opens // 60:02d}:{opens % 60:02d}–{closes // 60:02d}:{closes % 60:02d}" if closes else _("never")
        if spans and spans[-1][2] == span:
            spans[-1] = (spans[-1][0], day, span)
        else:
            spans.append((day, day, span))
    return ", ".join(f"{first if first == last else f'{first}–{last}'} {span}" for first, last, span in spans)
