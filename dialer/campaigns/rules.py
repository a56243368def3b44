"""Script pages, pure: a tiny renderer with merge fields. What people wrote is never run as a template.

A page is plain text. Blank lines part paragraphs, lines that begin with "- " are a list, `**words**` are strong, and
`{{lead.first_name}}` is what the lead is called; `{{lead.first_name|there}}` says “there” when nothing is known.
Everything else, and every value, is shown as it is.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from html import escape

FIELDS = {
    "lead.name": "The customer's whole name",
    "lead.first_name": "The customer's first name",
    "lead.last_name": "The customer's last name",
    "lead.company": "The customer's company",
    "lead.phone": "The number that was called",
    "agent.name": "The agent's whole name",
    "agent.first_name": "The agent's first name",
    "campaign.name": "The campaign",
    "customer.time": "The customer's time of day",
}
"""The merge fields that every campaign has; `lead.custom.NAME` is a custom field's."""

_FIELD = re.compile(r"\{\{([^{}|]*)(?:\|([^{}]*))?\}\}")
_STRONG = re.compile(r"\*\*(.+?)\*\*")


def fields_in(text: str) -> list[str]:
    """The names of the merge fields in a text, in order, each once."""
    return list(dict.fromkeys(found[1].strip() for found in _FIELD.finditer(text)))


def problems_in(text: str, known: Collection[str]) -> list[str]:
    """What is wrong with a page's text, for who wrote it: unknown merge fields, braces that close nothing."""
    found = [
        f"There is no merge field “{name}”. Choose one of those listed."
        for name in fields_in(text)
        if name not in known
    ]
    rest = _FIELD.sub("", text)
    if "{{" in rest or "}}" in rest:
        found.append("A merge field is not closed, or its braces are not doubled: write it like {{lead.first_name}}.")
    return found


def render(text: str, values: Mapping[str, str]) -> str:
    """The page as HTML: only p, ul, li, br and strong, everything else escaped. An unknown or empty field shows its
    fallback, or nothing."""
    blocks = re.split(r"\n\s*\n", text.replace("\r\n", "\n").replace("\r", "\n").strip())
    return "".join(_block(block, values) for block in blocks if block.strip())


def _block(block: str, values: Mapping[str, str]) -> str:
    lines = [line.strip() for line in block.split("\n") if line.strip()]
    html: list[str] = []
    paragraph: list[str] = []
    items: list[str] = []
    for line in lines:
        if line.startswith("- "):
            html += _closed("p", paragraph, "<br>")
            items.append(f"<li>{_inline(line[2:], values)}</li>")
        else:
            html += _closed("ul", items, "")
            paragraph.append(_inline(line, values))
    return "".join([*html, *_closed("p", paragraph, "<br>"), *_closed("ul", items, "")])


def _closed(tag: str, parts: list[str], between: str) -> list[str]:
    """What was gathered, as one element; the list is emptied."""
    if not parts:
        return []
    made = f"<{tag}>{between.join(parts)}</{tag}>"
    parts.clear()
    return [made]


def _inline(line: str, values: Mapping[str, str]) -> str:
    """Strong words and merge fields. The text is cut up before values come in, so that a value makes no markup."""
    out: list[str] = []
    for place, part in enumerate(_STRONG.split(line)):
        merged = _merge(part, values)
        out.append(f"<strong>{merged}</strong>" if place % 2 else merged)
    return "".join(out)


def _merge(text: str, values: Mapping[str, str]) -> str:
    out: list[str] = []
    at = 0
    for field in _FIELD.finditer(text):
        out.append(escape(text[at : field.start()]))
        out.append(escape(values.get(field[1].strip(), "") or (field[2] or "").strip()))
        at = field.end()
    return "".join([*out, escape(text[at:])])
