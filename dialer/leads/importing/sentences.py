"""What an import says of files and rows that cannot be taken. Pure.

A child process says it, and the database keeps it, in English; whoever reads it is told in their own language by these
templates (shown.py). So what is kept stays readable when a sentence is changed, only no longer in other languages.
"""

from __future__ import annotations

from dialer.core.numbers import NOT_A_NUMBER, NOT_THIS_NUMBER
from dialer.core.words import _

EMPTY = _("The file is empty. Choose one with a row of column names and a row for each lead.")
OLD_KIND = _("This is a workbook of the old kind (XLS). Save it as XLSX or as CSV.")
ONLY_SPACES = _("There is nothing but spaces in the file. Choose one with a row for each lead.")
NO_TEXT = _("This is no text file. Save the sheet as CSV or XLSX and choose that file.")
CUT_OFF = _("The workbook is cut off or damaged. Save it again, and upload the whole file.")
NO_WORKBOOK = _("This is no workbook. Save the sheet as XLSX or CSV and choose that file.")
UNPACKS = _(
    "The workbook unpacks to %(size)s MB, which is more than is taken. Delete what is not needed of it, or save the "
    "sheet as CSV."
)
WORKBOOK_TOO_LARGE = _("The workbook is too large to be read. Save the sheet as CSV and choose that file.")
WORKBOOK_UNREAD = _("The workbook cannot be read (%(error)s). Save it again, or save the sheet as CSV.")
NOTHING = _("There is nothing in it. Give a first row with column names, then one row per lead.")
BAD_HEADER = _("The first row cannot be read. %(why)s")
TOO_MANY_COLUMNS = _("The first row has %(columns)s columns; %(most)s are taken. Delete what is not needed.")
NO_ROW = _("There is no row below the column names. A list without leads is not kept.")
TOO_LARGE = _("The file is larger than %(most)s MB. Split it.")
TOO_SLOW = _("Reading the first rows took over a minute. Save the sheet as CSV and choose that file.")
BROKE_OFF = _("Reading the file broke off. Try again; if it stays so, save the sheet as CSV and choose that file.")
AGAIN_AND_AGAIN = _("The import broke off again and again. Ask who runs this installation to look.")
TOO_MUCH_MEMORY = _("The file needs too much memory to be read. Save the sheet as CSV, or split it.")

NEVER_CLOSED = _(
    "A quote that is opened in this row is never closed. Close it, or double it if it belongs to the text."
)
TOO_LONG = _("The row is longer than %(most)s MB.")
UNREAD = _("The row cannot be read (%(error)s).")
TOO_WIDE = _(
    "The row has %(cells)s cells and the header %(columns)s: is a text with the delimiter in it not in quotes?"
)
ROUNDED = _(
    "“%(number)s” is a number that the spreadsheet rounded, so its digits are lost. Format the column as text there, "
    "or as a number without decimals, and save the file again."
)
NO_ZONE = _("“%(zone)s” is not a time zone. Write it like America/New_York, or leave it empty.")
BAD_CELL = _("%(field)s “%(value)s”: %(cure)s.")
YES_OR_NO = _("write yes or no")
LIKE_A_DAY = _("write it like 2026-03-31")
CHOOSE = _("choose one of: %(choices)s")
TOO_MANY_LETTERS = _("it has more than %(most)s characters")
WITH_POINT = _("write a number, with a point before its decimals")
A_NUMBER = _("write a number")
TOO_MANY_DIGITS = _("at most 12 digits before and 6 behind the point are kept")

WITH_VALUES = (
    *(UNPACKS, WORKBOOK_UNREAD, BAD_HEADER, TOO_MANY_COLUMNS, TOO_LARGE, TOO_LONG, UNREAD, TOO_WIDE, ROUNDED, NO_ZONE),
    *(BAD_CELL, CHOOSE, TOO_MANY_LETTERS, NOT_A_NUMBER, NOT_THIS_NUMBER),
)
"""Those that have values in them; the others are told as they are."""
