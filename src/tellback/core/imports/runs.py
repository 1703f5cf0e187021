"""Bulk runs: a file's rows stored in chunks, each with the place it ends at, so that a killed run goes on there."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from tellback.core import errors, responses
from tellback.core.imports import blocks, queries, tables
from tellback.core.imports.bulk import Brought, Bulk
from tellback.core.imports.columns import Chunk, Columns, rejected
from tellback.core.imports.model import Mapped, Note, Reject, Run, Tally
from tellback.core.imports.tables import Table
from tellback.core.imports.telling import alias_taken
from tellback.core.imports.trial import Trial
from tellback.storage.database import Database, Transaction

#: Rows of one transaction. The workspace's counter is locked while the last part of them is stored.
CHUNK = 20_000
#: Rows that are worth adding up together.
_ADDED_UP = 100_000
_HASHED = 1024 * 1024

#: Told after each chunk: the run so far.
Progress = Callable[[Run], None]


@dataclass(frozen=True, slots=True)
class Outcome:
    """A run at its end. `resumed`: it went on where another had stopped; `repeated`: it was complete before."""

    run: Run
    resumed: bool
    repeated: bool


@dataclass(frozen=True, slots=True)
class Job:
    """A file to bring in by a mapping."""

    mapping: Mapped
    path: Path
    actor: str

    @property
    def workspace_id(self) -> int:
        return self.mapping.configuration.workspace_id


async def run(db: Database, job: Job, *, again: bool = False, progress: Progress = lambda _: None) -> Outcome:
    """Bring the file in, from where the last run of the same content stopped.

    A run that was complete is not repeated unless `again`. Raises `Malformed` for a file that cannot be read,
    `Conflict` when another process is at the same run, `OSError`, `DatabaseAway`.
    """
    with tables.opened(job.path) as file:
        table = tables.head(file, job.path.name)
        content = await asyncio.to_thread(_digest, file)
        found, fresh = await db.write(lambda tx: _begin(tx, job, content, file.tell(), again))
        if found.finished_at is not None:
            return Outcome(found, resumed=False, repeated=True)
        columns = Columns(job.mapping)
        bulk = Bulk(job.mapping, job.actor, columns.names)
        chunks = _chunks(file, table, columns, job, found)
        progress(found)
        async with _adding_up(db) as add_up:
            chunk = await asyncio.to_thread(next, chunks, None)
            while chunk is not None:
                storing = asyncio.create_task(_write(db, job, bulk, found, chunk))
                chunk = await asyncio.to_thread(next, chunks, None)
                found = await storing
                add_up(found.rows)
                progress(found)
    finished = await db.write(lambda tx: queries.finish_run(tx, job.workspace_id, found.id))
    return Outcome(finished, resumed=not fresh, repeated=False)


@asynccontextmanager
async def _adding_up(db: Database) -> AsyncIterator[Callable[[int], None]]:
    """To be called with the rows that are stored: adds their responses to the figures' hours, beside the storing.

    It costs a fifth of what storing costs, and as much again later if nobody did it.
    """
    task: asyncio.Task[int] | None = None
    begun = 0

    def after(rows: int) -> None:
        nonlocal task, begun
        if rows - begun >= _ADDED_UP and (task is None or task.done()):
            begun, task = rows, asyncio.create_task(responses.metrics.add_up(db))

    try:
        yield after
    finally:
        if task is not None:
            await asyncio.gather(task, return_exceptions=True)  # whatever it did not do, the next one does
    await responses.metrics.add_up(db)


async def try_out(db: Database, job: Job, *, progress: Progress = lambda _: None) -> tuple[Run, list[Reject]]:
    """What `run` would do, counted; nothing is stored. Raises as `run`."""
    trial, rejects = Trial(job.mapping), list[Reject]()
    with tables.opened(job.path) as file:
        table = tables.head(file, job.path.name)
        found = _unstored(job)
        for chunk in _chunks(file, table, Columns(job.mapping), job, found):
            async with db.reading() as reader:
                tally = _tally(job, chunk, await trial.judge(reader, chunk.tellings))
            rejects += tally.rejects
            found = _moved(found, chunk, tally)
            progress(found)
    return found, rejects


def _unstored(job: Job) -> Run:
    began = datetime.now(UTC)
    size = job.path.stat().st_size
    return Run(0, job.mapping.configuration.reference, job.path.name, size, 0, 0, 0, 0, 0, 0, began, None)


def _digest(file: BinaryIO) -> bytes:
    """SHA-256 of the whole file, which is left at its end."""
    file.seek(0)
    digest = hashlib.sha256()
    while piece := file.read(_HASHED):
        digest.update(piece)
    return digest.digest()


async def _begin(tx: Transaction, job: Job, content: bytes, size: int, again: bool) -> tuple[Run, bool]:
    """The run to go on with, and whether it is a new one. Two at once get the same."""
    configuration = job.mapping.configuration
    await queries.lock_configuration(tx, configuration.workspace_id, configuration.id)
    found = await queries.last_run(tx, configuration.workspace_id, configuration.id, content)
    if found is not None and (found.finished_at is None or not again):
        return found, False
    await queries.add_run(tx, configuration.workspace_id, configuration.id, content, job.path.name, size)
    made = await queries.last_run(tx, configuration.workspace_id, configuration.id, content)
    assert made is not None
    return made, True


def _chunks(file: BinaryIO, table: Table, columns: Columns, job: Job, found: Run) -> Iterator[Chunk]:
    """The rows after the run's place, in chunks whose borders do not depend on where reading began."""
    place, line = (found.place, found.line) if found.place else (table.place, table.line)
    headings = [one.heading for one in job.mapping.fields]
    return map(columns.chunk, blocks.blocks(file, table, place, line, CHUNK, headings))


async def _write(db: Database, job: Job, bulk: Bulk, found: Run, chunk: Chunk) -> Run:
    """Store a chunk and the place it ends at, in one transaction."""

    async def effect(tx: Transaction) -> Run:
        if not await queries.lock_run(tx, job.workspace_id, found.id, found.place):
            raise errors.Conflict("Another import of the same file is going on.")
        tally = _tally(job, chunk, await bulk.store(tx, chunk))
        await queries.move_run(tx, job.workspace_id, found.id, chunk.place, chunk.line, tally)
        return _moved(found, chunk, tally)

    moved = await db.write(effect)
    bulk.keep()
    return moved


def _tally(job: Job, chunk: Chunk, brought: Brought) -> Tally:
    taken = alias_taken(job.mapping).message
    refused = [rejected(chunk.lines[place], chunk.cells[place], taken) for place in brought.refused]
    return Tally(
        **brought.counts,
        rejects=[*chunk.rejects, *refused],
        notes=[Note(chunk.lines[place], note) for place, note in brought.notes],
    )


def _moved(found: Run, chunk: Chunk, tally: Tally) -> Run:
    return replace(
        found,
        place=chunk.place,
        line=chunk.line,
        created=found.created + tally.created,
        updated=found.updated + tally.updated,
        unchanged=found.unchanged + tally.unchanged,
        rejected=found.rejected + len(tally.rejects),
    )
