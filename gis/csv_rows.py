"""Records of a CSV as they really come: another separator, and a quotation mark that was opened and never closed."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from itertools import islice, tee
from typing import TextIO

from gis.city_pack import Source
from gis.errors import Finding
from gis.pack_files import unreadable

SEPARATORS = (",", "\t", ";", "|")
"""What may stand between two fields. The header tells: the one that occurs most in it; the comma when none does."""


def separator_of(header: str) -> str:
    """The separator of a CSV with this first line; what stands in quotes does not count."""
    unquoted = "".join(header.split('"')[::2])
    return max(SEPARATORS, key=unquoted.count)


def records(file: TextIO) -> Iterator[list[str]]:
    """The fields of every record of a CSV, the header first; the file is opened with ``newline=""`` and is at its beginning.

    The n-th record is row n. Raises ``UnclosedQuote`` for a record in which a quotation mark swallowed the lines after
    it, and ``csv.Error`` for what no CSV is.
    """
    separator = separator_of(file.readline())
    file.seek(0)
    lines, again = tee(file)
    reader = csv.reader(lines, delimiter=separator)
    row, done, last = 0, 0, ""
    try:
        for row, fields in enumerate(reader, start=1):
            if reader.line_num - done == 1:
                last = next(again)
            elif not _closes([*islice(again, reader.line_num - done)], separator):
                raise UnclosedQuote(row)
            else:
                last = ""
            done = reader.line_num
            yield fields
    except csv.Error as error:
        # A field longer than any field may be is what an open quotation mark makes of the rest of a large file.
        if not isinstance(error, UnclosedQuote) and reader.line_num - done > 1:
            raise UnclosedQuote(row + 1) from error
        raise
    if last.count('"') % 2 and not _closes([last], separator):
        raise UnclosedQuote(row)


def fault_of(source: Source, error: csv.Error) -> Finding:
    """The finding for a CSV that could not be read to its end."""
    if not isinstance(error, UnclosedQuote):
        return unreadable(source, error)
    return Finding(
        "unclosed-quote",
        "A quotation mark is opened in this row and not closed where its field ends, so the rows after it cannot be told apart.",
        "Close it, or write a quotation mark inside a text twice.",
        file=source.file,
        row=error.row,
    )


def _closes(lines: list[str], separator: str) -> bool:
    """Whether the lines of one record are one record also to a reader that forgives nothing."""
    try:
        return len(list(csv.reader(lines, delimiter=separator, strict=True))) == 1
    except csv.Error:
        return False


class UnclosedQuote(csv.Error):
    """A quotation mark that was opened in ``row`` and not closed where its field ends."""

    def __init__(self, row: int) -> None:
        super().__init__(f"unclosed quotation mark in row {row}")
        self.row = row
