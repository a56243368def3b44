"""What templates need to show: durations, clocks, numbers, icons."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django import template
from django.templatetags.static import static
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timezone import localtime
from django.utils.translation import gettext

from dialer.core import language
from dialer.core.clock import now
from dialer.core.numbers import display_number, mask_number
from dialer.core.regions import region_words

register = template.Library()


def span(seconds: float) -> str:
    """A length of time as people read timers: 0:07, 12:34, 1:02:03."""
    whole = max(0, int(seconds))
    hours, rest = divmod(whole, 3600)
    minutes, secs = divmod(rest, 60)
    return f"{hours}:{minutes:02d}:{secs:02d}" if hours else f"{minutes}:{secs:02d}"


@register.filter
def duration(value: timedelta | float | None) -> str:
    """Seconds or a timedelta as 1:02:03; nothing for nothing."""
    if value is None:
        return "–"
    return span(value.total_seconds() if isinstance(value, timedelta) else value)


@register.simple_tag
def timer(since: datetime | None, name: str = "timer", until: datetime | None = None) -> SafeString | str:
    """A running timer: right when it was sent, and kept so by timers.js. With `until` it counts down to it."""
    if until is not None:
        left = span((until - now()).total_seconds())
        return format_html('<time id="{}" class="num" data-until="{}">{}</time>', name, until.isoformat(), left)
    if since is None:
        return ""
    passed = span((now() - since).total_seconds())
    return format_html('<time id="{}" class="num" data-since="{}">{}</time>', name, since.isoformat(), passed)


@register.filter
def telephone(e164: str) -> str:
    """A number as people of its country write it."""
    return display_number(e164) if e164 else "–"


@register.filter
def masked(e164: str) -> str:
    """A number with all but its last two digits hidden."""
    return mask_number(e164) if e164 else "–"


@register.simple_tag(takes_context=True)
def shown_number(context: template.Context, e164: str) -> str:
    """The number whole or masked: as the page's `sees_numbers` says, or else the one who looks (nobody: masked)."""
    whole = context.get("sees_numbers")
    return telephone(e164) if (sees_whole(context) if whole is None else whole) else masked(e164)


@register.simple_tag(takes_context=True)
def sees_whole(context: template.Context) -> bool:
    """Whether the one who looks sees numbers whole."""
    looks = getattr(context.get("desk"), "user", None) or context.get("user")
    return bool(getattr(looks, "sees_numbers", False))


def zone_of(name: str) -> tzinfo | None:
    """The zone of that IANA name, or None."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return None


register.filter("region_words", region_words)


@register.filter
def stamp(moment: datetime | None) -> str:
    """A moment as a date and clock to the second, on the tenant's clock."""
    return date_format(localtime(moment), "j M Y, H:i:s") if moment is not None else "–"


@register.filter
def translated(text: str | None) -> str:
    """Words of ours that were marked where they are made, in the language of this page; other text as it is."""
    return language.translated(text or "")


@register.filter
def clock(moment: datetime | None) -> str:
    """A moment as a clock to the minute, on the tenant's clock."""
    return f"{localtime(moment):%H:%M}" if moment is not None else "–"


@register.filter
def clock_day(moment: datetime | None) -> str:
    """A moment on the tenant's clock: to the minute when it is today, with its day when it is not."""
    if moment is None:
        return "–"
    local = localtime(moment)
    return f"{local:%H:%M}" if local.date() == localtime(now()).date() else date_format(local, "j M, H:i")


@register.filter
def in_zone(moment: datetime | None, name: str) -> str:
    """A moment as a day and clock in a zone, e.g. the customer's."""
    if moment is None:
        return "–"
    return date_format(moment.astimezone(zone_of(name)), "D j M, H:i")


@register.filter
def clock_ms(moment: datetime | None) -> str:
    """A moment as a clock to the millisecond, on the tenant's clock."""
    return f"{localtime(moment):%H:%M:%S.%f}"[:-3] if moment is not None else "–"


@register.filter
def percent(share: float | None) -> str:
    """A share of one as a percentage."""
    return f"{share * 100:.0f} %" if share is not None else "–"


@register.filter
def rate(share: float | None) -> str:
    """A small share of one as a percentage with two places: 2.87 %."""
    return f"{share * 100:.2f} %" if share is not None else "–"


@register.filter
def level(lines: float | None) -> str:
    """A dial level with two places."""
    return f"{lines:.2f}" if lines is not None else "–"


@register.filter
def outcome_word(outcome: str) -> str:
    """An outcome's code as words, e.g. no_answer: No answer."""
    return gettext(outcome.replace("_", " ").capitalize())


@register.filter
def as_json(value: object) -> str:
    """JSON for a data attribute; the template escapes it."""
    return json.dumps(value)


@register.simple_tag
@lru_cache(maxsize=512)
def icon(name: str, label: str = "") -> SafeString:
    """An icon of the sprite; with a label it speaks, without one it is decoration. A desk has a dozen of them."""
    sprite = static("img/icons.svg")
    if label:
        return format_html(
            '<svg class="icon" role="img" aria-label="{}"><use href="{}#{}"></use></svg>', label, sprite, name
        )
    return format_html('<svg class="icon" aria-hidden="true"><use href="{}#{}"></use></svg>', sprite, name)
