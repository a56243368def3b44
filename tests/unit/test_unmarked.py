"""Nothing that templates say, or code refuses with, is outside of Django's translations."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest

TEMPLATES = Path(__file__).resolve().parents[2] / "templates"
TAG = re.compile(r"({%.*?%}|{{.*?}}|{#.*?#})", re.DOTALL)
SAID = {"aria-label", "title", "placeholder", "alt", "data-label", "label"}
"""Attributes that a person is shown or told."""
NOT_WORDS = {"Cordboard", "Ctrl", "Esc", "K", "s", "ms", "MB", "PDF", "CSV"}
"""The product's name, keys, units and kinds of files are the same in every language."""
IN_ENGLISH = {"compliance/evidence.html"}
"""For courts, not for people at work: its rows are kept in English."""


class _Words(HTMLParser):
    """Collects the text between tags, and the attributes that are said."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._open.append(tag)
        self.found += [value or "" for name, value in attrs if name in SAID]

    def handle_endtag(self, tag: str) -> None:
        while tag in self._open and self._open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if not self._open or self._open[-1] not in ("script", "style", "code"):
            self.found.append(data)


def unmarked(source: str) -> list[str]:
    """The words of a template that are outside of translate, blocktranslate and variables."""
    plain, until = [], ""
    for part in TAG.split(source):
        name = part[2:-2].split()[0] if part.startswith("{%") else ""
        if name in ("blocktranslate", "comment"):
            until = f"end{name}"
        elif name and name == until:
            until = ""
        elif part.startswith("{{"):
            plain.append("\0")
        elif not until and not name and not part.startswith("{#"):
            plain.append(part)
    parser = _Words()
    parser.feed("".join(plain))
    parser.close()
    return [
        " ".join(text.replace("\0", "…").split())
        for text in parser.found
        if set(re.findall(r"[^\W\d_]+", text)) - NOT_WORDS
    ]


@pytest.mark.parametrize("path", sorted(TEMPLATES.rglob("*.html")), ids=lambda path: str(path.relative_to(TEMPLATES)))
def test_all_that_a_template_says_is_marked(path: Path) -> None:
    """Mend it with {% translate %} or {% blocktranslate %}."""
    if str(path.relative_to(TEMPLATES)) not in IN_ENGLISH:
        # The blocks that fill attributes and the page's class have names of classes in them, no words.
        source = re.sub(r"({% block (?:body_class|main_id) %}).*?({% endblock %})", r"\1\2", path.read_text())
        assert unmarked(source) == []


def test_words_outside_of_the_marks_are_found() -> None:
    assert unmarked('<p title="Stop {{ name }}">{% translate "Yes" %}</p>') == ["Stop …"]
    assert unmarked("<p>{% blocktranslate %}Told{% endblocktranslate %} and <b>untold</b> 5 s</p>") == ["and", "untold"]
    assert unmarked('<p class="bad">{{ name }} · <kbd>Esc</kbd>{# no #}<code>./run</code></p>') == []


CODE = Path(__file__).resolve().parents[2] / "dialer"
ENGLISH_STILL = {"core", "leads"}
"""A few sentences of forms for those who lead are not marked there."""
REFUSALS = {"NotNow": 0, "Refusal": 0, "CannotAdd": 0, "PermissionDenied": 0, "Http404": 0, "ValidationError": 0}
REFUSALS |= {"add_error": 1}
MESSAGES = {"success", "error", "info", "warning"}


def bare_sentences(source: str) -> Iterator[str]:
    """What is said to people by a literal that no mark is around."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        called = node.func
        name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
        place = REFUSALS.get(name)
        if isinstance(called, ast.Attribute) and ast.unparse(called.value) == "messages" and name in MESSAGES:
            place = 1
        if place is not None and len(node.args) > place:
            said = node.args[place]
            words = said.value if isinstance(said, ast.Constant) else ""
            if isinstance(said, ast.JoinedStr):
                words = "".join(part.value for part in said.values if isinstance(part, ast.Constant))
            if isinstance(words, str) and re.search(r"[^\W\d_]", words):
                yield words


@pytest.mark.parametrize("app", sorted({path.parent.name for path in CODE.glob("*/__init__.py")} - ENGLISH_STILL))
def test_all_that_code_refuses_with_is_marked(app: str) -> None:
    """Mend it with _(…)."""
    found = {
        str(path.relative_to(CODE)): said
        for path in (CODE / app).rglob("*.py")
        if (said := list(bare_sentences(path.read_text())))
    }
    assert found == {}


def test_bare_sentences_are_found() -> None:
    assert list(bare_sentences('raise NotNow("No.")')) == ["No."]
    assert list(bare_sentences('messages.success(request, f"{name} is saved.")')) == [" is saved."]
    assert list(bare_sentences('form.add_error("when", f"{a}{b}"); Refusal(_("No.")); Http404(); log.info("x")')) == []
