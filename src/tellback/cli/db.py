"""`tellback db`: the database itself."""

from __future__ import annotations

import dataclasses
import signal
import subprocess
from pathlib import Path

import click

from tellback.cli import backups, databases, interrupts, options, output, programs, serve_options
from tellback.storage import blobs
from tellback.storage import migrate as migrations


@click.group()
def command() -> None:
    """The database: its schema, backups, a prompt."""


@command.command()
@options.hub
def migrate(place: databases.Place, as_json: bool) -> None:
    """Bring the schema up to date. `serve` and `apply` do so too."""
    with databases.access(place) as database:
        applied = [
            f"{step.number:04}_{step.name}" for step in interrupts.run(migrations.migrate(database.url))
        ]
    if as_json:
        output.document({"applied": applied})
        return
    for name in applied:
        output.line(f"{name}: applied")
    if not applied:
        output.line("the schema is up to date")


@command.command()
@options.hub
def status(place: databases.Place, as_json: bool) -> None:
    """The schema's steps, and when each was applied."""
    with databases.access(place) as database:
        steps = interrupts.run(migrations.status(database.url))
    if as_json:
        output.document(
            [{"number": one.number, "name": one.name, "applied_at": one.applied_at} for one in steps]
        )
        return
    output.table(
        ("step", "applied"),
        [(f"{one.number:04}_{one.name}", str(one.applied_at or "pending")) for one in steps],
    )


@command.command()
@options.hub
def shell(place: databases.Place, as_json: bool) -> int:
    """psql on the hub's database; what standard input holds is run. With --output json the rows are CSV."""
    with databases.access(place, make=False) as database:
        psql = programs.find("psql", place)
        # Ctrl-C is psql's while it runs.
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            return subprocess.run(  # noqa: S603 - the program the operator installed
                [psql, "--no-psqlrc", *(["--csv"] if as_json else [])],
                env=programs.environment(database.url),
                check=False,
            ).returncode
        finally:
            signal.signal(signal.SIGINT, before)


@command.command()
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@serve_options.FILES
@options.hub
def backup(place: databases.Place, as_json: bool, file: Path, files: str) -> None:
    """Save the database and the files into FILE, also while the hub runs."""
    with databases.access(place, make=False) as database:
        folder = None if blobs.in_bucket(files) else Path(_place_of(place, files))
        saved = backups.save(place, database.url, folder, file)
    apart = f"; the files stay in {files}: save them by the bucket's own means" if folder is None else ""
    _tell(as_json, f"{file}: {_held(saved)}, {saved.size:,} bytes{apart}", saved)


@command.command()
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@serve_options.FILES
@options.hub
def restore(place: databases.Place, as_json: bool, file: Path, files: str) -> None:
    """Bring back what FILE holds, into a new data folder or an empty database."""
    with backups.opened(file) as archive, databases.access(place) as database:
        restored = backups.restore(place, database.url, _place_of(place, files), archive)
    apart = f"; the files are those in {files}" if restored.files is None else ""
    _tell(as_json, f"{file} is restored: {_held(restored)}{apart}", restored)


def _place_of(place: databases.Place, files: str) -> str:
    return files or str(place.data / "files")


def _held(done: backups.Done) -> str:
    if done.files is None:
        return "the database"
    return f"the database and {'1 file' if done.files == 1 else f'{done.files:,} files'}"


def _tell(as_json: bool, text: str, done: backups.Done) -> None:
    if as_json:
        output.document(dataclasses.asdict(done))
    else:
        output.line(text)
