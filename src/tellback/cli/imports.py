"""`tellback import`: a file of records, brought in by an import configuration."""

from __future__ import annotations

import errno
import gc
import importlib
import os
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from tellback.cli import databases, faults, options, output
from tellback.core import imports, workspaces
from tellback.core.actor import OPERATOR
from tellback.core.imports import Reject, Run, runs, tables
from tellback.storage.database import Database

#: Some rows did not go in.
SOME_REJECTED = 3
_PAGE = 1_000
#: Objects made between two searches for cycles. Rows make millions and no cycles: searching took a fifth of the time.
_COLLECTED = 1_000_000
#: The file is read in a thread; whoever talks to the database must not wait for it, as the database waits for them.
_SWITCHED_S = 0.0005


@dataclass(frozen=True)
class Report:
    """How it went; `rejected_file` is where the rejected rows are, if there are any."""

    outcome: runs.Outcome
    rejected_file: Path | None
    dry_run: bool
    seconds: float

    def as_json(self) -> dict[str, Any]:
        run = self.outcome.run
        return {
            "run": run.id or None,
            "rows": run.rows,
            "created": run.created,
            "updated": run.updated,
            "unchanged": run.unchanged,
            "rejected": run.rejected,
            "rejected_file": str(self.rejected_file) if self.rejected_file else None,
            "resumed": self.outcome.resumed,
            "repeated": self.outcome.repeated,
            "dry_run": self.dry_run,
            "seconds": round(self.seconds, 3),
        }

    def lines(self) -> list[str]:
        run = self.outcome.run
        done = f"{run.created:,} created, {run.updated:,} updated, {run.unchanged:,} unchanged"
        said = [f"{run.file}: {run.rows:,} rows: {done}, {run.rejected:,} rejected"]
        if self.outcome.repeated:
            said.append(
                f"It went in before, in run {run.id}; nothing was stored again (--again stores it anew)."
            )
        if self.outcome.resumed:
            said.append(f"Run {run.id} went on where it had stopped.")
        if self.dry_run:
            said.append("Dry run: nothing was stored.")
        if self.rejected_file:
            said.append(f"The rejected rows are in {self.rejected_file}.")
        return said


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@options.workspace
@options.option("--configuration", required=True, metavar="REF", help="The import configuration's reference.")
@options.option("--dry-run", is_flag=True, help="Count what would happen, and store nothing.")
@options.option("--again", is_flag=True, help="Store a file anew that went in before.")
@options.option(
    "--rejected",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="Where rejected rows go; FILE.rejected.csv without it.",
)
@options.hub
def command(
    place: databases.Place,
    as_json: bool,
    file: Path,
    workspace: str,
    configuration: str,
    dry_run: bool,
    again: bool,
    rejected: Path | None,
) -> int:
    """Bring in the records of FILE: CSV with a row of headings, or one JSON object a line.

    Killed half-way, the same command goes on where it stopped. Exit code 3: some rows were rejected.
    """
    gc.set_threshold(_COLLECTED)
    sys.setswitchinterval(_SWITCHED_S)
    rejected = _rejects_go_to(file, rejected)

    async def job(db: Database) -> Report:
        began = time.monotonic()
        wanted = runs.Job(await _mapping(db, workspace, configuration), file, OPERATOR)
        _remark(wanted)
        with _progress() as progress:
            if dry_run:
                counted, rejects = await runs.try_out(db, wanted, progress=progress)
                outcome = runs.Outcome(counted, resumed=False, repeated=False)
            else:
                outcome = await runs.run(db, wanted, again=again, progress=progress)
                rejects = await _rejects(db, wanted, outcome.run)
                await _remark_notes(db, wanted, outcome.run)
        written = _write_rejects(file, rejected, rejects)
        return Report(outcome, written, dry_run, time.monotonic() - began)

    report = databases.work(place, job)
    if as_json:
        output.document(report.as_json())
    else:
        for line in report.lines():
            output.line(line)
    return SOME_REJECTED if report.outcome.run.rejected else 0


def _rejects_go_to(file: Path, wanted: Path | None) -> Path:
    """Where rejected rows go. Asked before anything is stored: afterwards is too late to learn that they cannot.

    Raises `Refused` where that is `file` itself, which would be lost; `OSError` for a folder, or one not there.
    """
    if file.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(file))
    target = wanted or file.with_name(f"{file.name}.rejected.csv")
    if target.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(target))
    if not target.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(target))
    if target.exists() and file.exists() and target.samefile(file):
        raise faults.Refused(f"the rejected rows would take the place of {file}; name another file.")
    return target


async def _mapping(db: Database, slug: str, reference: str) -> imports.Mapped:
    async with db.reading() as reader:
        workspace = await workspaces.find(reader, slug)
        found = await imports.queries.configuration(reader, workspace.id, reference)
    if found is None or not found.active:
        raise faults.Refused(f"there is no active import configuration {reference!r} in {slug!r}.")
    return imports.mapping.compiled(found)


def _remark(job: runs.Job) -> None:
    """Say which headings are not mapped, and which mapped ones the file does not have."""
    with tables.opened(job.path) as file:
        headings = tables.head(file, job.path.name).headings
    if not headings:
        return
    unmapped = [one for one in headings if one not in job.mapping.headings]
    missing = [field.heading for field in job.mapping.fields if field.heading not in headings]
    if unmapped:
        output.note(f"not mapped, and so left out: {', '.join(unmapped)}.")
    if missing:
        output.note(f"mapped, and not in the file: {', '.join(missing)}.")


async def _remark_notes(db: Database, job: runs.Job, run: Run) -> None:
    """Say how many rows went in with an identity left open."""
    async with db.reading() as reader:
        many = await imports.queries.noted(reader, job.workspace_id, run.id)
    if many:
        rows = "1 row has" if many == 1 else f"{many:,} rows have"
        output.note(
            f"{rows} an e-mail and a phone of two contacts; GET /hub/v1/imports/{run.id}/notes names them."
        )


async def _rejects(db: Database, job: runs.Job, run: Run) -> list[Reject]:
    found: list[Reject] = []
    while run.rejected > len(found):
        async with db.reading() as reader:
            after = found[-1].line if found else -1
            page = await imports.queries.rejects(reader, job.workspace_id, run.id, after, _PAGE)
        if not page:
            break
        found += page
    return found


def _write_rejects(file: Path, target: Path, rejects: Iterable[Reject]) -> Path | None:
    rejects = list(rejects)
    if not rejects:
        return None
    with tables.opened(file) as given:
        table = tables.head(given, file.name)
    with target.open("w", encoding="utf-8", newline="") as written:
        tables.write_rejects(written, table, rejects)
    return target


@contextmanager
def _progress() -> Iterator[runs.Progress]:
    """A bar with rows a second and the time left, on a terminal; nothing elsewhere."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    rich = importlib.import_module("rich.progress")  # a tenth of a second, and only a terminal needs it
    console = importlib.import_module("rich.console").Console(stderr=True)
    columns = (
        rich.BarColumn(), rich.TaskProgressColumn(), rich.TextColumn("{task.fields[rows]:,} rows"),
        rich.TextColumn("{task.fields[speed]:,.0f}/s"), rich.TimeRemainingColumn(),
    )  # fmt: skip
    began, first = time.monotonic(), -1
    with rich.Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("import", total=None, rows=0, speed=0.0)

        def show(run: Run) -> None:
            nonlocal first
            first = run.rows if first < 0 else first
            speed = (run.rows - first) / max(time.monotonic() - began, 0.001)
            bar.update(task, total=run.size, completed=run.place, rows=run.rows, speed=speed)

        yield show
