"""Cells of responses for COPY, made of what stands in a file, a column at a time. Pure.

A reader of a column gives None for what cannot be taken. The readers of single values (`mapping`) are the rule;
here they are asked once for what comes often, and not at all where a look at the whole column will do.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from tellback.core import responses
from tellback.core.imports import mapping as mappings
from tellback.core.imports.model import Field
from tellback.storage.copying import NULL, TAB, escaped, escaped_all

Read = Callable[[Sequence[str]], Sequence[str | None]]

#: So many different values of a column are remembered.
_VALUES = 20_000
#: The cells of `kind`, `score` and `scores` where there is no score.
NO_SCORE = TAB.join((NULL, NULL, "{}"))


def remembering(read: Callable[[Any], Any], write: Callable[[Any], str], nothing: str = NULL) -> Read:
    """A reader that asks `read` once for each value, and `write` for its cell; `nothing` is that of None."""
    known: dict[str, str | None] = {}

    def cell(text: str) -> str | None:
        try:
            value = read(text)
        except mappings.Refused:
            made = None
        else:
            made = nothing if value is None else write(value)
        known[text] = made
        return made

    def column(texts: Sequence[str]) -> list[str | None]:
        if len(known) > _VALUES:
            known.clear()
        return [known[one] if one in known else cell(one) for one in texts]

    return column


def text(read: Callable[[Any], str | None], limit: int, *, trimmed: bool) -> Read:
    """A reader of texts, most of which are different."""

    def cell(one: str) -> str | None:
        try:
            value = read(one)
        except mappings.Refused:
            return None
        return NULL if value is None else escaped(value)

    def column(texts: Sequence[str]) -> Sequence[str | None]:
        if not texts or max(map(len, texts)) > limit or any("\x00" in one for one in texts):
            return [cell(one) for one in texts]
        if trimmed:
            return [one or NULL for one in escaped_all([one.strip() for one in texts])]
        return [
            NULL if not one or one.isspace() else fit
            for one, fit in zip(texts, escaped_all(texts), strict=True)
        ]

    return column


def moments(read: Callable[[Any], datetime | None], zone: ZoneInfo) -> Read:
    """A reader of times. Within most hours a zone is as far from UTC, so an hour is looked up once."""
    offsets: dict[str, str] = {}
    minutes = frozenset(f":{minute:02}:{second:02}" for minute in range(60) for second in range(60))

    def cell(one: str) -> str | None:
        try:
            value = read(one)
        except mappings.Refused:
            return None
        if value is None:
            return NULL
        if len(one) == _WHOLE and one[_HOUR:] in minutes and (offset := _offset(one[:_HOUR], zone)):
            offsets[one[:_HOUR]] = offset
        return value.isoformat(" ")

    def column(texts: Sequence[str]) -> list[str | None]:
        if len(offsets) > _VALUES:
            offsets.clear()
        made: list[str | None] = []
        for one in texts:
            offset = offsets.get(one[:_HOUR])
            made.append(f"{one}{offset}" if offset and one[_HOUR:] in minutes else cell(one))
        return made

    return column


_HOUR = len("2026-01-31 12")
_WHOLE = len("2026-01-31 12:30:00")


def _offset(hour: str, zone: ZoneInfo) -> str | None:
    """The zone's distance from UTC all through an hour of its own, as in `+01:00`; None where that changes."""
    first = datetime.fromisoformat(f"{hour}:00:00").replace(tzinfo=zone)
    last = first + timedelta(minutes=59, seconds=59)
    return first.isoformat()[_WHOLE:] if first.utcoffset() == last.utcoffset() else None


def score(value: float) -> str:
    """The cells of `kind`, `score` and `scores`."""
    return TAB.join(("nps", str(responses.rules.number(value)), f'{{"nps": {value}}}'))


def scored(cells: str) -> int | float | None:
    """The score in such cells."""
    told = cells.split(TAB)[1]
    return None if told == NULL else responses.rules.number(float(told))


def drivers(fields: Sequence[Field]) -> Callable[[Sequence[Sequence[str]]], Sequence[str | None]]:
    """A reader of several columns, which are one document."""

    def read(given: tuple[str, ...]) -> dict[str, Any]:
        told = {field.name: field.read(value) for field, value in zip(fields, given, strict=True)}
        return {name: value for name, value in told.items() if value is not None}

    cells: Any = remembering(read, lambda told: escaped(msgspec.json.encode(told).decode()))
    return lambda columns: cells(list(zip(*columns, strict=True)))
