"""What an import said in English, from another process or the database, is said again in the reader's language."""

from __future__ import annotations

from django.utils.translation import gettext
from hypothesis import given
from hypothesis import strategies as st

from dialer.core.language import _PLACE, Retold, speaking
from dialer.core.words import said
from dialer.leads.importing import sentences

retold = Retold(sentences.WITH_VALUES)
VALUES = st.text("abcdefghij 0123456789,/", min_size=1, max_size=12).map(lambda text: f"x{text}x")


@given(st.sampled_from(sentences.WITH_VALUES), st.data())
def test_a_sentence_and_its_values_come_back(template: str, data: st.DataObject) -> None:
    values = {name: data.draw(VALUES) for name in _PLACE.findall(template)}
    told = str(said(template, **values))
    with speaking("en"):
        assert retold(told) == told
    with speaking("es"):
        assert gettext(template) != template
        assert retold(told) == gettext(template) % values


def test_a_value_that_is_a_sentence_is_said_again_too() -> None:
    cure = said(sentences.CHOOSE, choices="red, green")
    told = str(said(sentences.BAD_CELL, field="Colour", value="blue”", cure=cure))
    with speaking("es"):
        assert retold(told) == "Colour «blue”»: elija entre: red, green."
        assert retold(sentences.EMPTY) == gettext(sentences.EMPTY) != sentences.EMPTY
        assert retold("Something that nobody says.") == "Something that nobody says."
        assert retold("") == ""
