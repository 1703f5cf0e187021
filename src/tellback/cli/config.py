"""`tellback config`: the configuration file of a workspace, printed and checked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from tellback.cli import apply, databases, options, output
from tellback.core import errors, form_values, provisioning
from tellback.storage.database import Database


@click.group()
def command() -> None:
    """Show a workspace's configuration, or check a file."""


@command.command()
@options.workspace
@options.hub
def show(place: databases.Place, as_json: bool, workspace: str) -> None:
    """Print the file that describes a workspace as it is, without secrets; applying it changes nothing."""

    async def job(db: Database) -> dict[str, Any]:
        async with db.reading() as reader:
            return await provisioning.show(reader, workspace)

    shown = databases.work(place, job)
    if as_json:
        output.document(shown)
    else:
        output.line(provisioning.as_yaml(shown).rstrip("\n"))


@command.command()
@click.argument("file", type=click.Path(path_type=Path))
@options.hub
def check(place: databases.Place, as_json: bool, file: Path) -> None:
    """Say what is wrong with FILE (- is standard input), without a hub and without reading its secrets."""
    document = apply.read(file, form_values.leave_unread)
    if as_json:
        faults = [{"line": one.line, "path": one.where, "message": one.message} for one in document.faults]
        output.document({"ok": not faults, "faults": faults})
    if document.faults:
        raise errors.Invalid(document.faults)
    if not as_json:
        output.line(f"{file}: well-formed")
