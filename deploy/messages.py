"""The catalogues of the interface's languages: gathering what is marked in the code, and compiling.

    python -m deploy.messages            gather, merge into the .po files of locale/, compile; lists what is missing
    python -m deploy.messages --check    change nothing; fail when a catalogue is behind the code or its .mo behind it

Babel does it in Python, so no gettext tools are needed; the product itself only reads the compiled .mo files.
"""

from __future__ import annotations

import argparse
import io
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.utils.translation.template import templatize

ROOT = Path(__file__).resolve().parent.parent
LOCALES = ROOT / "locale"
CODE = ("dialer", "asterisk")
KEYWORDS = {
    "_": None,
    "gettext": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "lazy": None,
    "said": None,
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
}
CALL = re.compile(r"[a-z]*_?gettext\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\)|_\([^()]*\)")
"""A call in what is left of a template; a sentence may have a value in parentheses, which makes three of them."""
PLACES = re.compile(r"%\(\w+\)s|%%")
HEADER = (
    "# Messages of Cordboard's interface. Gathered by python -m deploy.messages; the translations are written here."
)


def sources() -> Iterator[tuple[str, bytes]]:
    """Every file that may have marked sentences, by its path, as Python that Babel can read."""
    for folder in CODE:
        for path in sorted((ROOT / folder).rglob("*.py")):
            if "migrations" not in path.parts:
                yield str(path.relative_to(ROOT)), path.read_bytes()
    for path in sorted((ROOT / "templates").rglob("*.html")):
        # What is left of a template is calls between filler; without indentation it is also Python's idea of lines.
        lines = templatize(path.read_text(encoding="utf-8")).splitlines()
        calls = "\n".join(" ".join(CALL.findall(line)) for line in lines)
        yield str(path.relative_to(ROOT)), calls.encode()


def gather() -> Catalog:
    """Every marked sentence of the code and the templates."""
    found = Catalog(fuzzy=False)
    for name, content in sources():
        for _line, text, _comments, context in extract("python", io.BytesIO(content), keywords=KEYWORDS):
            found.add(text, context=context, locations=[(name, 0)])
    return found


def catalogues() -> list[Path]:
    """The .po file of every language."""
    return sorted(LOCALES.glob("*/LC_MESSAGES/django.po"))


def read(path: Path) -> Catalog:
    """A catalogue as it is on disk."""
    with path.open("rb") as file:
        return read_po(file, locale=path.parts[-3])


def compiled(catalogue: Catalog) -> bytes:
    """The .mo file of a catalogue."""
    out = io.BytesIO()
    write_mo(out, catalogue)
    return out.getvalue()


def written(catalogue: Catalog) -> bytes:
    """The .po file of a catalogue: in the order of the sentences, without line numbers, so that changes read well."""
    out = io.BytesIO()
    write_po(out, catalogue, width=110, omit_header=False, sort_output=True, include_lineno=False, ignore_obsolete=True)
    return out.getvalue()


def missing(catalogue: Catalog) -> list[str]:
    """The sentences without a translation."""
    return [name_of(one) for one in catalogue if one.id and not _translated(one)]


def unlike(catalogue: Catalog) -> list[str]:
    """The sentences whose translation has other places for values than the sentence."""
    return [
        name_of(one)
        for one in catalogue
        if one.id and _translated(one) and any(_places(text) != _places(name_of(one)) for text in _texts(one))
    ]


def name_of(message: Message) -> str:
    """The sentence; of one with a plural the plural, which has all the values."""
    return message.id if isinstance(message.id, str) else message.id[1]


def _texts(message: Message) -> tuple[str, ...]:
    return (message.string,) if isinstance(message.string, str) else tuple(message.string or ("",))


def _translated(message: Message) -> bool:
    return all(_texts(message)) and not message.fuzzy


def _places(text: str) -> list[str]:
    return sorted(PLACES.findall(text))


def update(path: Path, gathered: Catalog) -> Catalog:
    """Bring one catalogue up to the code, keeping its translations; write and compile it."""
    catalogue = read(path)
    catalogue.update(gathered, no_fuzzy_matching=True, update_creation_date=False)
    catalogue.header_comment = HEADER
    path.write_bytes(written(catalogue))
    catalogue = read(path)
    path.with_suffix(".mo").write_bytes(compiled(catalogue))
    return catalogue


def faults(path: Path, gathered: Catalog) -> list[str]:
    """What is wrong with one catalogue, in words."""
    catalogue = read(path)
    wanted = {(one.id if isinstance(one.id, str) else one.id[0], one.context) for one in gathered if one.id}
    there = {(one.id if isinstance(one.id, str) else one.id[0], one.context) for one in catalogue if one.id}
    wrong = [f"not gathered: {text!r}" for text, _ in sorted(wanted - there, key=str)]
    wrong += [f"no translation: {text!r}" for text in missing(catalogue)]
    wrong += [f"other values in its translation: {text!r}" for text in unlike(catalogue)]
    if path.with_suffix(".mo").read_bytes() != compiled(catalogue):
        wrong.append(f"{path.with_suffix('.mo').name} is not what {path.name} compiles to")
    return wrong


def main() -> int:
    """Gather and compile, or check."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    gathered = gather()
    bad = 0
    for path in catalogues():
        wrong = (
            faults(path, gathered)
            if check
            else [f"no translation: {text!r}" for text in missing(update(path, gathered))]
        )
        bad += len(wrong)
        for line in wrong:
            print(f"{path.relative_to(ROOT)}: {line}")
    if bad and check:
        print("Run python -m deploy.messages, then write the missing translations into the .po file and run it again.")
    return 1 if bad and check else 0


if __name__ == "__main__":
    sys.exit(main())
