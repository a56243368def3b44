"""Files as people have them: what is found out of them, and what is refused in words."""

from __future__ import annotations

import io
import zipfile
from datetime import date, datetime
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.leads.importing.columns import guess
from dialer.leads.importing.reading import BadFile, Broken, Form, Table, form_of, look, records_of, text_of

TEXT = "last_name;PHONE;First Name\r\nMüller;212 555 0104;José\r\n"


def written(folder: Path, data: bytes) -> Path:
    path = folder / "file"
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252", "latin-1"]
)
def test_files_in_every_encoding(tmp_path: Path, encoding: str) -> None:
    path = written(tmp_path, TEXT.encode(encoding))
    form = form_of(path)
    assert form.delimiter == ";"
    assert look(path, form) == (["last_name", "PHONE", "First Name"], [["Müller", "212 555 0104", "José"]])


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiters_are_found_though_others_stand_in_texts(tmp_path: Path, delimiter: str) -> None:
    rows = [["phone", "name, or title; any"], ["2125550101", "a,b;c,d"], ["2125550102", "x;y,z;"]]
    text = "\n".join(delimiter.join(f'"{cell}"' for cell in row) for row in rows)
    path = written(tmp_path, text.encode())
    assert form_of(path).delimiter == delimiter


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is empty"),
        (b" \r\n \n", "is empty"),
        (b"\xd0\xcf\x11\xe0old", "XLS"),
        (b"\x00\x01\x02binary\x00\x03", "no text file"),
        (b"PK\x03\x04cut", "cut off or damaged"),
        (b"phone\n", "no row below"),
        (b"a," * 1500 + b"\n1\n", "columns"),
        (b'"unclosed\n' + b"x\n" * 500, "first row cannot be read"),
    ],
)
def test_what_is_no_list(tmp_path: Path, data: bytes, words: str) -> None:
    path = written(tmp_path, data)
    with pytest.raises(BadFile, match=words):
        look(path, form_of(path))


def workbook(folder: Path, rows: list[list[object]]) -> Path:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    path = folder / "book.xlsx"
    book.save(path)
    return path


def test_a_workbook(tmp_path: Path) -> None:
    rows: list[list[object]] = [
        ["phone", "when", "ok", "text"],
        [2125550101, date(2026, 3, 1), True, "=1+1"],
        [2125550102.0, datetime(2026, 3, 1, 9, 30), False, None],  # noqa: DTZ001
    ]
    path = workbook(tmp_path, rows)
    header, found = look(path, form_of(path))
    assert header == ["phone", "when", "ok", "text"]
    assert found[0][:3] == ["2125550101", "2026-03-01", "yes"]
    assert found[1] == ["2125550102", "2026-03-01 09:30:00", "no"]


def test_a_truncated_workbook(tmp_path: Path) -> None:
    whole = workbook(tmp_path, [["phone"], [2125550101]]).read_bytes()
    for cut in (len(whole) - 30, len(whole) // 2, 40):
        with pytest.raises(BadFile, match="cut off or damaged"):
            form_of(written(tmp_path, whole[:cut]))


@pytest.mark.parametrize("megabytes", [2048, 40])
def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path, megabytes: int) -> None:
    path = tmp_path / "bomb.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as packed:
        packed.writestr("xl/workbook.xml", "<workbook/>")
        with packed.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as part:
            block = b"\0" * (1 << 20)
            for _ in range(megabytes):
                part.write(block)
    with pytest.raises(BadFile, match=f"{megabytes:,} MB"):
        form_of(path)


def test_figures_keep_their_digits() -> None:
    assert [text_of(cell) for cell in (2125550101.0, 1e10, 0.5, True, None, 7)] == [
        "2125550101",
        "10000000000",
        "0.5",
        "yes",
        "",
        "7",
    ]


def records(text: str) -> list[list[str] | Broken]:
    return list(records_of(io.StringIO(text, newline=""), ","))


def test_newlines_within_quotes_belong_to_the_cell() -> None:
    assert records('a,"x\ny\r\nz"\r\nb,c\r\n') == [["a", "x\ny\r\nz"], ["b", "c"]]


def test_a_quote_that_is_never_closed_costs_its_row_alone() -> None:
    rest = "q,r\n" * 1000
    found = records('a,b\n"open,1\n' + rest)
    assert isinstance(found[1], Broken)
    assert (found[0], found[2:]) == (["a", "b"], [["q", "r"]] * 1000)
    short = records('a,b\nc,d\n"open,1\ne,f\n')
    assert isinstance(short[2], Broken)
    assert short[3] == ["e", "f"]


def test_a_cell_and_a_line_that_are_far_too_long_cost_their_row_alone() -> None:
    found = records(f"{'x' * 200_000},1\na,b\n{'y,' * 3_000_000}\nc,d\n")
    assert [type(one).__name__ for one in found] == ["Broken", "list", "Broken", "list"]
    assert "MB" in found[2].problem  # type: ignore[union-attr]


def test_a_million_columns_are_one_record() -> None:
    found = records(f"a,b\n{'1,' * 999_999}1\nc,d\n")
    assert [len(one) for one in found] == [2, 1_000_000, 2]  # type: ignore[arg-type]


@given(st.lists(st.lists(st.text(st.sampled_from('ab", \n\r;é'), max_size=8), min_size=1, max_size=4), max_size=8))
def test_what_a_csv_writer_writes_is_read_back(rows: list[list[str]]) -> None:
    import csv

    text = io.StringIO(newline="")
    csv.writer(text, quoting=csv.QUOTE_ALL).writerows(rows)
    assert records(text.getvalue()) == rows


@given(st.text(st.sampled_from('a1",;\n\r\0\ufeff'), max_size=200))
def test_any_text_is_read_to_its_end(text: str) -> None:
    assert len(records(text)) <= text.count("\n") + text.count("\r") + 1


def test_the_share_that_was_read(tmp_path: Path) -> None:
    path = written(tmp_path, b"phone\n" + b"2125550101\n" * 100_000)
    table = Table(path, Form("csv", "utf-8", ","))
    rows = table.records()
    for _ in range(50_000):
        next(rows)
    assert 0.4 < table.share < 0.6


def test_columns_are_guessed_by_name_each_field_once() -> None:
    header = ["Telephone", "Phone", "First Name", "ZIP", "berth_length", "Estado", "x"]
    assert guess(header, ["berth_length"]) == {
        0: "phone",
        2: "first_name",
        3: "postal_code",
        4: "custom.berth_length",
        5: "region",
    }
    assert guess(["Mobile", "name"], []) == {0: "phone"}
    assert guess(["Straße", "TELÉFONO", "Código postal"], []) == {0: "address", 1: "phone", 2: "postal_code"}
