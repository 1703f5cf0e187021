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
    tailing = Tail(workspace, limit, show_json if as_json else show_line)
    while databases.stay(place, tailing.run_and_follow if follow else tailing.run):
        databases.wait_for_owner(place)  # it has made way for a hub, and joins that one


class Tail:
    """One reading of a workspace's log, over as many connections as it takes."""

    def __init__(self, workspace: str, limit: int, show: Show) -> None:
        self._workspace = workspace
        self._limit = limit
        self._show = show
        self._follower: intake.Follower | None = None

    async def run(self, db: Database, _: databases.Access) -> bool:
        await self._begun(db)
        return False

    async def run_and_follow(self, db: Database, access: databases.Access) -> bool:
        """Follow on; True when it has to go on elsewhere."""
        await follow_on(db, await self._begun(db), self._show, enough=access.in_the_way)
        return True

    async def _begun(self, db: Database) -> intake.Follower:
        if self._follower is None:
            async with db.reading() as reader:
                found = await workspaces.find(reader, self._workspace)
                self._follower = intake.Follower(found.id)
                entries = await self._follower.begin(reader, self._limit, time.monotonic())
            for entry in entries:
                self._show(entry)
        return self._follower


async def follow_on(
    db: Database,
    follower: intake.Follower,
    show: Show,
    *,
    every: float = POLL_S,
    enough: Callable[[], bool] = lambda: False,
) -> None:
    """Show what comes in until `enough` or cancelled. A database that is away is waited for."""
    told = False
    while not enough():
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
