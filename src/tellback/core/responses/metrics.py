"""Answering a question about figures, and keeping the hours up that answers are read from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from tellback.core import errors
from tellback.core.responses import figures, figures_queries
from tellback.core.responses.figures import By, Figures, Question, Sums
from tellback.core.workspaces import Workspace
from tellback.storage.database import Database, Reader

#: A mistyped year must not make a list of a million days.
MOST_PERIODS = 10_000
_DAYS_IN: dict[By | None, int] = {"day": 1, "week": 7, "month": 30}
# Beyond these a zone's offset would lead out of the calendar.
_EARLIEST, _LATEST = datetime(1, 1, 3, tzinfo=UTC), datetime(9998, 12, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Answer:
    """The groups that hold anything, in order, the one without a name last; and all together."""

    groups: Sequence[Figures]
    total: Figures


async def answer(reader: Reader, workspace: Workspace, asked: Question) -> Answer:
    """The figures of a workspace by its own days (contract, "Figures"). Raises `Malformed` for too many periods."""
    over = await _periods(reader, workspace, asked)
    if over is None:
        return Answer([], figures.figures(asked.kind, None, Sums()))
    found = await figures_queries.sums(reader, workspace.id, asked, over)
    total = figures.figures(asked.kind, None, figures.added(sums for _, sums in found))
    if asked.by is None:
        return Answer([], total)
    found.sort(key=lambda one: (one[0] is None, one[0]))
    timed = asked.by in figures.TIMES
    groups = [
        figures.figures(asked.kind, over.labels[group - 1] if timed else group, sums) for group, sums in found
    ]
    return Answer(groups, total)


async def _periods(reader: Reader, workspace: Workspace, asked: Question) -> figures.Periods | None:
    """What was asked for, as far as there is anything: so no end of time costs more than what is there."""
    there = await figures_queries.span(reader, workspace.id)
    if there is None:
        return None
    zone = ZoneInfo(workspace.timezone)
    first, last = (min(max(moment, _EARLIEST), _LATEST).astimezone(zone).date() for moment in there)
    first = first if asked.first is None else max(first, asked.first)
    last = last if asked.last is None else min(last, asked.last)
    if first > last:
        return None
    if asked.by in _DAYS_IN and (last - first).days > MOST_PERIODS * _DAYS_IN[asked.by]:
        raise errors.Malformed(
            f"From {first} to {last} there are more than {MOST_PERIODS:,} {asked.by}s; ask for a shorter time."
        )
    return figures.periods(zone, first, last, asked.by)


async def add_up(db: Database) -> int:
    """Add every workspace's new responses to their hours; gives how many.

    For upkeep: any number of processes may be at it.
    """
    added = 0
    async with db.reading() as reader:
        workspaces = await figures_queries.behind(reader)
    for workspace_id in workspaces:
        piece = figures_queries.PIECE
        while piece == figures_queries.PIECE:
            piece = await db.write(lambda tx, id=workspace_id: figures_queries.add_up(tx, id))  # type: ignore[misc]
            added += piece
    return added
