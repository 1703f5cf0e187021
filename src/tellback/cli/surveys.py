"""`tellback survey`: surveys as a configuration file has them."""

from __future__ import annotations

from typing import Any

import click

from tellback.cli import databases, options, output
from tellback.core import errors, provisioning, surveys, workspaces
from tellback.storage.database import Database


@click.group()
def command() -> None:
    """Take a survey from one hub to another."""


@command.command()
@click.argument("survey", type=click.IntRange(0), nargs=-1, required=True)
@options.workspace
@options.hub
def export(place: databases.Place, as_json: bool, workspace: str, survey: tuple[int, ...]) -> None:
    """Print SURVEY… (ids) as a configuration file, which `tellback apply` takes on any hub."""

    async def job(db: Database) -> list[dict[str, Any]]:
        async with db.reading() as reader:
            found = await workspaces.find(reader, workspace)
            documents = []
            for number in survey:
                document = await surveys.export(reader, found.id, number)
                if document is None:
                    raise errors.NotFound(f"There is no survey {number} in the workspace {workspace!r}.")
                documents.append(document)
            return documents

    exported = {"workspace": {"slug": workspace}, "surveys": databases.work(place, job)}
    if as_json:
        output.document(exported)
    else:
        output.line(provisioning.as_yaml(exported).rstrip("\n"))
