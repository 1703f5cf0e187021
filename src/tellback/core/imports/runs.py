"""Bulk runs: a file's rows stored in chunks, each with the place it ends at, so that a killed run goes on there."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from tellback.core import errors
from tellback.core.imports import actions, mapping, queries, tables, telling
from tellback.core.imports.model import Mapped, NewRecord, Reject, Run, Stored, Tally, Verdict
from tellback.core.imports.tables import Row, Table
from tellback.core.imports.trial import Trial
from tellback.storage.database import Database, Transaction

#: Rows of one transaction. The workspace's counter is locked while the last part of them is stored.
CHUNK = 5_000
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
class _Chunk:
    """Rows on their way in: those that can be stored, with their row, and those that cannot."""

    records: list[tuple[Row, NewRecord]]
    rejects: list[Reject]
    place: int
    line: int


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
    with job.path.open("rb") as file:
        table = tables.head(file, job.path.name)
        content = await asyncio.to_thread(_digest, file)
        found, fresh = await db.write(lambda tx: _begin(tx, job, content, file.tell(), again))
        if found.finished_at is not None:
            return Outcome(found, resumed=False, repeated=True)
        chunks = _chunks(file, table, job, found)
        progress(found)
        chunk = await asyncio.to_thread(next, chunks, None)
        while chunk is not None:
            storing = asyncio.create_task(_write(db, job, found, chunk))
            chunk = await asyncio.to_thread(next, chunks, None)
            found = await storing
            progress(found)
    finished = await db.write(lambda tx: queries.finish_run(tx, job.workspace_id, found.id))
    return Outcome(finished, resumed=not fresh, repeated=False)


async def try_out(db: Database, job: Job, *, progress: Progress = lambda _: None) -> tuple[Run, list[Reject]]:
    """What `run` would do, counted; nothing is stored. Raises as `run`."""
    trial, rejects = Trial(job.workspace_id), list[Reject]()
    with job.path.open("rb") as file:
        table = tables.head(file, job.path.name)
        found = _unstored(job)
        for chunk in _chunks(file, table, job, found):
            async with db.reading() as reader:
                verdicts = await trial.judge(reader, [record for _, record in chunk.records])
            taken = telling.alias_taken(job.mapping)
            tally = _tally(chunk, [taken if one is None else one for one in verdicts])
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


def _chunks(file: BinaryIO, table: Table, job: Job, found: Run) -> Iterator[_Chunk]:
    """The rows after the run's place, read by the mapping, in chunks whose borders do not depend on the run."""
    place, line = (found.place, found.line) if found.place else (table.place, table.line)
    rows = tables.rows(file, table, place, line)
    while some := list(itertools.islice(rows, CHUNK)):
        chunk = _Chunk([], [], some[-1].end, some[-1].last_line)
        for row in some:
            _sort(chunk, job, row)
        yield chunk


def _sort(chunk: _Chunk, job: Job, row: Row) -> None:
    if row.record is None:
        chunk.rejects.append(_rejected(row, f"The row {row.fault}."))
        return
    read = mapping.read(job.mapping, row.record)
    if read.record is None:
        chunk.rejects.append(_rejected(row, " ".join(fault.message for fault in read.faults)))
        return
    reference = job.mapping.configuration.reference
    chunk.records.append((row, NewRecord(job.mapping, read.record, "import", reference, job.actor)))


def _rejected(row: Row, reason: str) -> Reject:
    """PostgreSQL has no text for U+0000."""
    return Reject(row.line, tuple(cell.replace("\x00", "\ufffd") for cell in row.cells), reason)


async def _write(db: Database, job: Job, found: Run, chunk: _Chunk) -> Run:
    """Store a chunk and the place it ends at, in one transaction."""

    async def effect(tx: Transaction) -> Run:
        if not await queries.lock_run(tx, job.workspace_id, found.id, found.place):
            raise errors.Conflict("Another import of the same file is going on.")
        stored = await actions.store(tx, [record for _, record in chunk.records])
        tally = _tally(chunk, [one.verdict if isinstance(one, Stored) else one for one in stored])
        await queries.move_run(tx, job.workspace_id, found.id, chunk.place, chunk.line, tally)
        return _moved(found, chunk, tally)

    return await db.write(effect)


def _tally(chunk: _Chunk, verdicts: Sequence[Verdict | errors.HubError]) -> Tally:
    tally = Tally(rejects=list(chunk.rejects))
    for (row, _), verdict in zip(chunk.records, verdicts, strict=True):
        if isinstance(verdict, errors.HubError):
            tally.rejects.append(_rejected(row, verdict.message))
        elif verdict == "created":
            tally.created += 1
        elif verdict == "updated":
            tally.updated += 1
        else:
            tally.unchanged += 1
    return tally


def _moved(found: Run, chunk: _Chunk, tally: Tally) -> Run:
    return replace(
        found,
        place=chunk.place,
        line=chunk.line,
        created=found.created + tally.created,
        updated=found.updated + tally.updated,
        unchanged=found.unchanged + tally.unchanged,
        rejected=found.rejected + len(tally.rejects),
    )
