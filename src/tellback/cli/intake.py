"""`tellback intake`: what came in, and what became of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import click

from tellback.cli import databases, intake_lines, options, output
from tellback.core import intake, workspaces
from tellback.storage.database import Database
from tellback.storage.errors import DatabaseAway

POLL_S = 0.5

Show = Callable[[intake.Entry], None]


@click.group()
def command() -> None:
    """What came in, and what became of it."""


@command.command()
@options.workspace
@options.option(
    "--limit", type=click.IntRange(0, 100_000), default=20, show_default=True, help="How many, the newest."
)
@options.option("--follow", "-f", is_flag=True, help="Go on with what comes in, until Ctrl-C.")
@options.hub
def tail(place: databases.Place, as_json: bool, workspace: str, limit: int, follow: bool) -> None:
    """Print the newest requests to the vendor surfaces, oldest first, one a line."""
    show = show_json if as_json else show_line

    async def job(db: Database) -> None:
        async with db.reading() as reader:
            found = await workspaces.find(reader, workspace)
            follower = intake.Follower(found.id)
            for entry in await follower.begin(reader, limit, time.monotonic()):
                show(entry)
        if follow:
            await follow_on(db, follower, show)

    databases.work(place, job)


async def follow_on(db: Database, follower: intake.Follower, show: Show, every: float = POLL_S) -> None:
    """Show what comes in until cancelled. A database that is away is waited for."""
    told = False
    while True:
        try:
            async with db.reading() as reader:
                entries = await follower.more(reader, time.monotonic())
        except DatabaseAway as away:
            if not told:
                output.note(f"{away}; waiting for it.")
            told, entries = True, []
        else:
            told = False
        for entry in entries:
            show(entry)
        if len(entries) < intake.PAGE:
            await asyncio.sleep(every)


def show_line(entry: intake.Entry) -> None:
    output.line(intake_lines.line(entry))


def show_json(entry: intake.Entry) -> None:
    output.document(intake_lines.document(entry))
