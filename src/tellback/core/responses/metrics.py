"""Answering a question about figures, and keeping the hours up that answers are read from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from tellback.core.responses import figures, figures_queries
from tellback.core.responses.figures import Figures, Question, Sums
from tellback.core.workspaces import Workspace
from tellback.storage.database import Database, Reader


@dataclass(frozen=True, slots=True)
class Answer:
    """The groups that hold anything, in order, the one without a name last; and all together."""

    groups: Sequence[Figures]
    total: Figures


async def answer(reader: Reader, workspace: Workspace, asked: Question) -> Answer:
    """The figures of a workspace by its own days (contract, "Figures")."""
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
    first, last = (moment.astimezone(zone).date() for moment in there)
    first = first if asked.first is None else max(first, asked.first)
    last = last if asked.last is None else min(last, asked.last)
    return figures.periods(zone, first, last, asked.by) if first <= last else None


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
