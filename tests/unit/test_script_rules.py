"""The script's renderer: what people wrote is shown, never run."""

from __future__ import annotations

import re
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.campaigns.rules import fields_in, problems_in, render

OURS = re.compile(r"</?(?:p|ul|li|strong)>|<br>")
# Pieces that hurt renderers, in any order.
pieces = st.lists(
    st.sampled_from(
        ("{{", "}}", "{{a}}", "{{ b|there }}", "{%x%}", "**", "- ", "\n", "\n\n", "<b>", "&lt;", '"', "|", "x")
    )
    | st.text(max_size=5),
    max_size=20,
).map("".join)


@given(pieces, st.dictionaries(st.sampled_from(("a", "b")), pieces))
def test_only_our_own_markup_comes_out(text: str, values: dict[str, str]) -> None:
    left = OURS.sub("", render(text, values))
    assert "<" not in left
    assert ">" not in left
    assert '"' not in left


@given(st.text(alphabet="<>&\"'*{}|ab \n-", min_size=1))
def test_a_value_is_shown_as_it_is(value: str) -> None:
    assert unescape(render("{{a}}", {"a": value}).removeprefix("<p>").removesuffix("</p>")) == value


@given(pieces)
def test_a_text_without_problems_has_only_known_fields(text: str) -> None:
    if not problems_in(text, {"a"}):
        assert set(fields_in(text)) <= {"a"}
        rest = unescape(OURS.sub("", render(text, {"a": ""})))
        assert "{{" not in rest.replace("\n", "")


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("Good day {{lead.first_name}}", "<p>Good day Ada</p>"),
        ("Good day {{ lead.first_name }}", "<p>Good day Ada</p>"),
        ("Dear {{lead.company|friend}}", "<p>Dear friend</p>"),
        ("Dear {{lead.unknown}}!", "<p>Dear !</p>"),
        ("one\ntwo\r\n\r\nthree", "<p>one<br>two</p><p>three</p>"),
        ("Say:\n- **one**\n- two", "<p>Say:</p><ul><li><strong>one</strong></li><li>two</li></ul>"),
        ("**{{lead.first_name}}** <i>", "<p><strong>Ada</strong> &lt;i&gt;</p>"),
        ("", ""),
    ],
)
def test_what_a_page_looks_like(text: str, html: str) -> None:
    assert render(text, {"lead.first_name": "Ada", "lead.company": ""}) == html


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{{lead.frist_name}}", "no merge field “lead.frist_name”"),
        ("{{lead.first_name", "not closed"),
        ("lead.first_name}}", "not closed"),
    ],
)
def test_problems_are_named(text: str, words: str) -> None:
    [problem] = problems_in(text, {"lead.first_name"})
    assert words in problem
