"""Records read a column at a time, by the same readers as single ones, and made ready for COPY. No I/O.

What a file says many times over (a date's hour, a score, a person with all that is told of them) is read once and
remembered. A row with anything wrong in it is read again by `mapping.read`, which has the words for it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import compress
from typing import Any
from zoneinfo import ZoneInfo

from tellback.core.imports import cells, tables
from tellback.core.imports import mapping as mappings
from tellback.core.imports.blocks import Block
from tellback.core.imports.model import Field, Mapped, Record, Reject
from tellback.storage.copying import NULL, TAB, escaped

#: So many tellings are remembered.
TELLINGS = 100_000


@dataclass(eq=False, slots=True)
class Telling:
    """What rows with the same cells say of an account and a contact; None where that cannot be taken.

    `known` is kept here by whoever has stored it (`bulk`).
    """

    record: Record | None
    known: Any = None


@dataclass(frozen=True, slots=True)
class Chunk:
    """Rows that can be stored, in order, and those that cannot; `place` and `line` are those of its block.

    A row is its telling and, where records have responses, the rest of its cells for COPY (`Columns.names`) and
    the score as the feed tells it.
    """

    tellings: Sequence[Telling]
    rest: Sequence[str]
    scores: Sequence[str]
    lines: Sequence[int]
    cells: Sequence[Sequence[str]]
    rejects: list[Reject]
    place: int
    line: int


class Columns:
    """The reading of one file. Not for two threads at once."""

    def __init__(self, mapping: Mapped) -> None:
        self._mapping = mapping
        people = tuple(one for one in mapping.fields if not one.bucket.startswith("response"))
        self._people = replace(
            mapping,
            configuration=replace(mapping.configuration, reject_unmapped=False),
            fields=people,
            required=tuple(one for one in mapping.required if one[0][0] != "response"),
        )
        self._tellings: dict[tuple[Any, ...], Telling] = {}
        self._answers = _answers(mapping)
        #: The columns of `responses` that the rest of a row fills.
        self.names = tuple(name for answer in self._answers for name in answer.names)

    def chunk(self, block: Block) -> Chunk:
        """The rows of a block."""
        odd = self._unmapped(block)
        texts = _texts(block, [one.heading for one in self._mapping.fields], odd)
        tellings = self._told(block, texts)
        odd |= {place for place, one in enumerate(tellings) if one.record is None}
        columns, scores = self._answered(len(block.rows), texts, odd)
        rest: Sequence[str] = list(map(TAB.join, zip(*columns, strict=True)))
        lines, rows = block.lines, block.rows
        rejects = [rejected(row.line, row.cells, f"The row {row.fault}.") for row in block.faults]
        if odd:
            rejects += [self._refused(block, place) for place in sorted(odd)]
            keep = [place not in odd for place in range(len(rows))]
            tellings, rest = list(compress(tellings, keep)), list(compress(rest, keep))
            scores, lines = list(compress(scores, keep)), list(compress(lines, keep))
            rows = list(compress(rows, keep))
        return Chunk(tellings, rest, scores, lines, rows, rejects, block.place, block.line)

    def _unmapped(self, block: Block) -> set[int]:
        """The rows that have headings which are not mapped, where that is a fault."""
        mapped = self._mapping.headings
        if not self._mapping.configuration.reject_unmapped:
            return set()
        if block.records is None:
            return set() if block.columns.keys() <= mapped else set(range(len(block.rows)))
        return {place for place, one in enumerate(block.records) if not one.keys() <= mapped}

    def _told(self, block: Block, texts: dict[str, Sequence[Any]]) -> list[Telling]:
        headings = [one.heading for one in self._people.fields if one.heading in texts]
        if len(self._tellings) > TELLINGS:
            self._tellings.clear()
        keys = list(zip(*(texts[one] for one in headings), strict=True)) or [()] * len(block.rows)
        known = self._tellings
        found: list[Telling] = []
        for key in keys:
            telling = known.get(key)
            if telling is None:
                given = {
                    heading: value
                    for heading, value in zip(headings, key, strict=True)
                    if value is not tables.ABSENT
                }
                telling = known[key] = Telling(mappings.read(self._people, given).record)
            found.append(telling)
        return found

    def _answered(
        self, many: int, texts: dict[str, Sequence[Any]], odd: set[int]
    ) -> tuple[list[Sequence[str]], Sequence[str]]:
        """Cells of responses a column at a time, and the scores; adds to `odd` the rows that do not fit."""
        columns: list[Sequence[str]] = []
        scores: Sequence[str] = [cells.NO_SCORE] * many
        for answer in self._answers:
            given = [_sent(texts.get(one), many) for one in answer.headings]
            made = answer.read(given)
            if None in made or (answer.required and NULL in made):
                lacking = (None, NULL) if answer.required else (None,)
                odd |= {place for place, cell in enumerate(made) if cell in lacking}
            columns.append([cell or NULL for cell in made] if None in made else made)  # type: ignore[arg-type]
            if "score" in answer.names:
                scores = columns[-1]
        return columns, scores

    def _refused(self, block: Block, place: int) -> Reject:
        """A row that does not fit, with everything that is wrong with it."""
        read = mappings.read(self._mapping, block.record(place))
        reason = " ".join(fault.message for fault in read.faults)
        return rejected(block.lines[place], block.rows[place], reason)


def rejected(line: int, cells: Sequence[str], reason: str) -> Reject:
    """PostgreSQL has no text for U+0000."""
    return Reject(line, tuple(cell.replace("\x00", "\ufffd") for cell in cells), reason)


def _texts(block: Block, headings: Sequence[str], odd: set[int]) -> dict[str, Sequence[Any]]:
    """The columns that are mapped, as texts (or `ABSENT`); adds to `odd` the rows that hold what is none."""
    found: dict[str, Sequence[Any]] = {}
    for heading in headings:
        if heading not in block.columns:
            continue
        values = block.columns[heading]
        if block.records is not None:
            values = [_text(value) for value in values]
            odd |= {place for place, value in enumerate(values) if value is None}
            values = ["" if value is None else value for value in values]
        found[heading] = values
    return found


def _text(value: Any) -> Any:
    """A value of a JSON line as text, `ABSENT` as it is; None for what cannot be a text."""
    if type(value) is str or value is tables.ABSENT:
        return value
    try:
        return mappings.text_of(value)
    except mappings.Refused:
        return None


def _sent(values: Sequence[Any] | None, many: int) -> Sequence[str]:
    """A response is always a new one, so what did not come is as good as empty."""
    if values is None:
        return [""] * many
    if tables.ABSENT in values:
        return ["" if value is tables.ABSENT else value for value in values]
    return values


@dataclass(frozen=True, slots=True)
class _Answer:
    """Columns of `responses` that are filled together, by what stands under some headings."""

    names: tuple[str, ...]
    headings: tuple[str, ...]
    required: bool
    read: Callable[[Sequence[Sequence[str]]], Sequence[str | None]]


def _answers(mapping: Mapped) -> list[_Answer]:
    zone = ZoneInfo(mapping.configuration.timezone)
    required = {heading for _, heading in mapping.required}
    found = [
        _Answer(_SCORES if one.name == "score" else (one.name,), (one.heading,), one.heading in required,
                _first(_cells(one, zone)))
        for one in mapping.fields
        if one.bucket == "response"
    ]  # fmt: skip
    drivers = [one for one in mapping.fields if one.bucket == "response.driver"]
    if drivers:
        headings = tuple(one.heading for one in drivers)
        found.append(_Answer(("drivers",), headings, False, cells.drivers(drivers)))
    return found


_SCORES = ("kind", "score", "scores")


def _first(read: cells.Read) -> Callable[[Sequence[Sequence[str]]], Sequence[str | None]]:
    return lambda columns: read(columns[0])


def _cells(field: Field, zone: ZoneInfo) -> cells.Read:
    match field.name:
        case "sent_at" | "completed_at":
            return cells.moments(field.read, zone)
        case "score":
            return cells.remembering(field.read, cells.score, nothing=cells.NO_SCORE)
        case "comment" | "follow_up_details":
            return cells.text(field.read, mappings.LONG_LIMIT, trimmed=False)
        case "reference":
            return cells.text(field.read, mappings.TEXT_LIMIT, trimmed=True)
        case "follow_up":
            return cells.remembering(field.read, lambda yes: "t" if yes else "f")
    return cells.remembering(field.read, escaped)
