"""The catalogues: whole, compiled, with the same values; and sentences of pure code said in another language."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.utils import translation

from deploy import messages
from dialer.core.language import speaking, translated
from dialer.core.words import said


def test_every_sentence_of_the_interface_is_translated() -> None:
    """Mend it by `python -m deploy.messages`, then write what it lists as missing into the .po file."""
    gathered = messages.gather()
    assert {path: messages.faults(path, gathered) for path in messages.catalogues()} == {
        path: [] for path in messages.catalogues()
    }


def test_a_catalogue_that_is_behind_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "es" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    po = folder / "django.po"
    po.write_text('msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\n"\n\nmsgid "Hang up"\nmsgstr "Colgar"\n')
    gathered = messages.gather()
    messages.update(po, gathered)
    wrong = messages.faults(po, gathered)
    assert any("no translation: 'Ready'" in line for line in wrong)
    assert not any("'Hang up'" in line for line in wrong)
    po.write_text(po.read_text().replace('msgstr "Colgar"', 'msgstr "Cuelga %(name)s"'))
    wrong = messages.faults(po, gathered)
    assert "other values in its translation: 'Hang up'" in wrong
    assert "django.mo is not what django.po compiles to" in wrong


def test_sentences_of_templates_with_values_are_gathered() -> None:
    texts = {one.id for one in messages.gather()}
    assert "Join %(name)s" in texts
    assert "Check that it is registered as <code>%(account)s</code>, then press “Call my phone”." in texts


def test_what_pure_code_says_is_said_in_another_language() -> None:
    cure = said("“%(number)s” is not a telephone number: %(cure)s.", number="12", cure="its area code is missing")
    assert str(cure) == "“12” is not a telephone number: its area code is missing."
    with speaking("es"):
        assert translated(cure) == "«12» no es un número de teléfono: falta el prefijo."
        assert translated("") == ""
        assert translated("what nobody marked") == "what nobody marked"
    with speaking("xx"):
        assert translation.get_language() == "en"
