"""`tellback apply`: a workspace as a file says (docs/provisioning.md)."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from tellback.cli import databases, options, output
from tellback.core import form, form_values, provisioning
from tellback.storage.database import Database

STDIN = "-"


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@options.option("--dry-run", is_flag=True, help="Print what would change, and change nothing.")
@options.option("--prune", is_flag=True, help="Archive what the file no longer has.")
@options.hub
def command(place: databases.Place, as_json: bool, file: Path, dry_run: bool, prune: bool) -> None:
    """Make a workspace be as FILE (YAML or JSON; - is standard input) says, wholly or not at all."""
    document = read(file, secrets_beside(file))

    async def job(db: Database) -> provisioning.Outcome:
        return await provisioning.apply(db, document, dry_run=dry_run, prune=prune)

    outcome = databases.work(place, job, make=True)
    if as_json:
        output.document(outcome.as_json())
        return
    for line in outcome.lines():
        output.line(line)


def read(file: Path, secret: form.SecretSource) -> provisioning.Document:
    """The document in `file`. Raises `OSError`; what is wrong with it is in its `faults`."""
    if str(file) == STDIN:
        return provisioning.read(sys.stdin.buffer.read(), "stdin", secret)
    return provisioning.read(file.read_bytes(), str(file), secret)


def secrets_beside(file: Path) -> form.SecretSource:
    """Secrets from our environment, and from files named from where `file` lies."""
    return form_values.secrets_of(_environment, Path.cwd() if str(file) == STDIN else file.absolute().parent)


def _environment(name: str) -> str | None:
    return os.environ.get(name)
