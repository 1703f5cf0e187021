"""Reading files of records: CSV with a header (comma, semicolon or tab), or one JSON object a line.

A row says where it ends, in bytes, so that reading can go on there. What cannot be read is a row with a fault.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final, TextIO

import msgspec

from tellback.core import errors
from tellback.core.imports.model import Reject

BOM = b"\xef\xbb\xbf"
#: Longer lines are read in pieces, so that memory is bounded; no row that long can be taken.
LONGEST_LINE = 64 * 1024 * 1024
LONGEST_CELL = 32 * 1024 * 1024
#: The heading of the column that says why a row was rejected.
REASON = "Rejected because"
_DELIMITERS = (",", ";", "\t")
_QUOTED = re.compile(r'"[^"]*"')
_SNIFFED = 64 * 1024


class _Absent:
    """What a row has under a heading that it does not have."""


ABSENT: Final = _Absent()
_JSON_LINES = (".ndjson", ".jsonl")


@dataclass(frozen=True, slots=True)
class Row:
    """One row: `line` where it begins, from 1; `end` and `last_line` how far the file is read with it."""

    line: int
    last_line: int
    end: int
    cells: Sequence[str]
    record: Mapping[str, Any] | None
    fault: str | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """What the head of a file says. JSON lines have no delimiter and no headings."""

    headings: tuple[str, ...]
    delimiter: str | None
    place: int
    line: int


class _CarriageReturns(io.RawIOBase):
    """A file whose lines end with CR alone, as one whose lines end with LF; every byte keeps its place."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, place: int, whence: int = io.SEEK_SET) -> int:
        return self._file.seek(place, whence)

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        piece = self._file.read(len(view)).replace(b"\r", b"\n")
        view[: len(piece)] = piece
        return len(piece)

    def close(self) -> None:
        self._file.close()
        super().close()


def opened(path: Path) -> BinaryIO:
    """The file, to be read by `head` and `rows`. Raises `OSError`."""
    file = path.open("rb")
    start = file.read(_SNIFFED)
    file.seek(0)
    if b"\r" in start and b"\n" not in start:
        return io.BufferedReader(_CarriageReturns(file))
    return file


class _Lines:
    """The lines of a file as text, with their bytes counted."""

    def __init__(self, file: BinaryIO, place: int, line: int) -> None:
        file.seek(place)
        self._file = file
        self.place = place
        self.line = line
        self.begin()

    def begin(self) -> None:
        """A new row begins here."""
        self.whole = True  # whether all of the row is UTF-8
        self.first: str | None = None
        self.first_end = self.place

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        raw = self._file.readline(LONGEST_LINE)
        if not raw:
            raise StopIteration
        self.place += len(raw)
        self.line += 1
        try:
            text = raw.decode()
        except UnicodeDecodeError:
            self.whole = False
            text = raw.decode("utf-8", "replace")
        if self.first is None:
            self.first, self.first_end = text, self.place
        return text


def head(file: BinaryIO, name: str) -> Table:
    """What the file's first row says. Raises `Malformed` for a file that cannot be read at all."""
    start = file.read(len(BOM))
    place = len(BOM) if start == BOM else 0
    if name.lower().endswith(_JSON_LINES) or _first_sign(file, place) == b"{":
        return Table((), None, place, 0)
    lines = _Lines(file, place, 0)
    first = _first_row(lines)
    if first is None:
        raise errors.Malformed(f"{name} is empty; a row of headings is due.")
    delimiter = max(_DELIMITERS, key=_QUOTED.sub("", first).count)
    lines = _Lines(file, place, 0)
    csv.field_size_limit(LONGEST_CELL)
    try:
        cells = next(csv.reader(lines, delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise errors.Malformed(f"{name}: the headings cannot be read: {error}.") from None
    headings = tuple(cell.strip() for cell in cells)
    if not lines.whole:
        raise errors.Malformed(f"{name}: the headings are not UTF-8; save the file as UTF-8.")
    if not any(headings):
        raise errors.Malformed(f"{name}: the first line holds no headings.")
    repeated = next((one for one in headings if one and headings.count(one) > 1), None)
    if repeated is not None:
        raise errors.Malformed(f"{name}: the heading {repeated!r} is there twice.")
    return Table(headings, delimiter, lines.place, lines.line)


def _first_row(lines: _Lines) -> str | None:
    """The text of the headings, of several lines where quotes hold line breaks; None for an empty file."""
    text = next(lines, None)
    while text is not None and text.count('"') % 2 and len(text) < _SNIFFED:
        more = next(lines, None)
        if more is None:
            break
        text += more
    return text


def rows(file: BinaryIO, table: Table, place: int, line: int) -> Iterator[Row]:
    """The rows from `place` (bytes) on, which is after `line` lines. Blank lines are passed over."""
    if table.delimiter is None:
        yield from _json_rows(_Lines(file, place, line))
        return
    csv.field_size_limit(LONGEST_CELL)
    lines: _Lines | None = _Lines(file, place, line)
    while lines is not None:
        broken = yield from _csv_rows(lines, table, table.delimiter)
        # Only the line on which a broken row began is given up; what comes after is read anew.
        lines = _Lines(file, broken.end, broken.line) if broken is not None else None


def _csv_rows(lines: _Lines, table: Table, delimiter: str) -> Generator[Row, None, Row | None]:
    """Rows up to the first broken one, which is yielded too and then returned."""
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    headings, width = table.headings, len(table.headings)
    while True:
        lines.begin()
        line = lines.line + 1
        try:
            cells = next(reader)
        except StopIteration:
            return None
        except csv.Error as error:
            text = (lines.first or "").rstrip("\r\n")
            broken = Row(line, line, lines.first_end, [text[:1000]], None, f"cannot be read: {error}")
            yield broken
            return broken
        if not cells:
            continue
        fault = None
        if not lines.whole:
            fault = "is not UTF-8"
        elif len(cells) != width:
            fault = f"has {len(cells)} cells, and the head {width}"
        record = dict(zip(headings, cells, strict=True)) if fault is None else None
        yield Row(line, lines.line, lines.place, cells, record, fault)


def _json_rows(lines: _Lines) -> Iterator[Row]:
    decode = msgspec.json.Decoder().decode
    lines.begin()
    for text in lines:
        fault, record = None, None
        if not text.strip():
            lines.begin()
            continue
        try:
            record = decode(text)
            if not isinstance(record, dict):
                record, fault = None, "is no JSON object"
        except (msgspec.DecodeError, ValueError, RecursionError):
            fault = "is no JSON"
        if not lines.whole:
            record, fault = None, "is not UTF-8"
        yield Row(lines.line, lines.line, lines.place, [text.rstrip("\r\n")], record, fault)
        lines.begin()


def _first_sign(file: BinaryIO, place: int) -> bytes:
    file.seek(place)
    return file.read(4096).lstrip()[:1]


# What a spreadsheet would take for a formula (OWASP, "CSV Injection"); plain numbers and phones are none.
_FORMULA = re.compile(r"[=+\-@\t\r]")
_PLAIN = re.compile(r"[+\-]?[0-9 ().\-]*")


def safe(cell: str) -> str:
    """A cell as it may stand in a file that somebody opens in a spreadsheet."""
    if _FORMULA.match(cell) and not _PLAIN.fullmatch(cell):
        return f"'{cell}"
    return cell


def write_rejects(file: TextIO, table: Table, rejects: Iterable[Reject]) -> None:
    """Rejected rows as CSV under their headings, the reason in a column of its own.

    Of rows with more cells than headings, the surplus comes after the reason.
    """
    headings = table.headings or ("record",)
    written = csv.writer(file)
    written.writerow([safe(one) for one in (*headings, REASON)])
    width = len(headings)
    for one in rejects:
        cells = [safe(cell) for cell in one.cells]
        padding = [""] * (width - len(cells))
        written.writerow([*cells[:width], *padding, f"line {one.line}: {one.reason}", *cells[width:]])
