"""Rows of a file by the thousand, as columns.

Where a block has nothing odd about it, it is split as a whole; else its rows are read one by one (`tables.rows`),
and what cannot be read is set aside with its fault. Both give the same rows.
"""

from __future__ import annotations

import csv
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

from tellback.core.imports import tables
from tellback.core.imports.tables import Row, Table

_READ = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Block:
    """Rows that could be read, each with its line and its record, and those that could not.

    `columns` are the values by heading; a row that has no such heading has `tables.ABSENT` there. `place` (bytes)
    and `line` are how far the file is read.
    """

    columns: Mapping[str, Sequence[Any]]
    rows: Sequence[Sequence[str]]
    lines: Sequence[int]
    faults: Sequence[Row]
    place: int
    line: int
    #: JSON lines only: a table's records are its rows under its headings
    records: Sequence[Mapping[str, Any]] | None = None

    def record(self, number: int) -> Mapping[str, Any]:
        if self.records is not None:
            return self.records[number]
        return dict(zip(self.columns, self.rows[number], strict=True))


def blocks(
    file: BinaryIO, table: Table, place: int, line: int, at_most: int, headings: Sequence[str]
) -> Iterator[Block]:
    """The rows from `place` (bytes) on, which is after `line` lines, `at_most` a block.

    `headings` are those that are wanted of JSON lines. Borders do not depend on where reading began.
    """
    while True:
        block = _split(file, table, place, line, at_most) if table.delimiter is not None else None
        if block is None:
            block = _careful(file, table, place, line, at_most, headings)
        if block is None:
            return
        yield block
        place, line = block.place, block.line


def _split(file: BinaryIO, table: Table, place: int, line: int, at_most: int) -> Block | None:
    """The next rows of a CSV file, split as a whole; None where that would not do: a look at each is due."""
    file.seek(place)
    raw = file.read(_READ)
    raw = raw[: raw.rfind(b"\n") + 1]
    try:
        *lines, rest = raw.decode().split("\n", at_most)
    except UnicodeDecodeError:
        return None
    csv.field_size_limit(tables.LONGEST_CELL)
    try:
        rows = list(csv.reader(lines, delimiter=table.delimiter or ",", strict=True))
    except csv.Error:
        return None
    # With as many rows as lines, no row has a line break within; a blank line is a row without cells.
    if len(rows) != len(lines) or set(map(len, rows)) != {len(table.headings)}:
        return None
    columns = dict(zip(table.headings, zip(*rows, strict=True), strict=True))
    numbers = range(line + 1, line + 1 + len(rows))
    return Block(columns, rows, numbers, (), place + len(raw) - len(rest.encode()), line + len(rows))


def _careful(
    file: BinaryIO, table: Table, place: int, line: int, at_most: int, headings: Sequence[str]
) -> Block | None:
    some = list(itertools.islice(tables.rows(file, table, place, line), at_most))
    if not some:
        return None
    read = [row for row in some if row.record is not None]
    records = [row.record for row in read if row.record is not None]
    if table.delimiter is not None:
        headings = table.headings
    columns = {name: [record.get(name, tables.ABSENT) for record in records] for name in headings}
    return Block(
        columns,
        [row.cells for row in read],
        [row.line for row in read],
        [row for row in some if row.record is None],
        some[-1].end,
        some[-1].last_line,
        None if table.delimiter is not None else records,
    )
