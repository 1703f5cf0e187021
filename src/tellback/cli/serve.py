"""`tellback serve`: the hub."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import click
import msgspec

from tellback import logs, server
from tellback.cli import databases, faults, options, output, serve_options
from tellback.settings import MEBIBYTE, Settings
from tellback.storage import blobs, embedded, migrate
from tellback.storage.errors import DatabaseAway

_LARGEST_FILE = 2048 * MEBIBYTE

#: For taking the database over from a command that ran it and has just ended.
_TAKEOVER_S = 15.0

Prepare = Callable[[Settings], AbstractContextManager[Settings]]


@click.command()
@options.option(
    "--port", type=click.IntRange(0, 65535), default=8080, show_default=True, help="0 takes any free one."
)
@serve_options.all_of_them
@options.hub
def command(place: databases.Place, as_json: bool, **given: Any) -> None:
    """Run the hub until SIGTERM or Ctrl-C. Prints one line with its address when it is ready."""

    def announce(line: str) -> None:
        address = line.rpartition(" ")[2]
        output.line(json.dumps({"ready": address}) if as_json else line)

    try:
        serve(settings(place, **given), announce)
    except server.CannotServe as error:
        raise faults.Refused(f"{error}.") from error


def settings(place: databases.Place, **given: Any) -> Settings:
    """The settings that the options say. Raises `click.UsageError` where they do not go together."""
    if (given.get("tls_cert") is None) != (given.get("tls_key") is None):
        raise click.UsageError("--tls-cert and --tls-key go together.")
    if given.get("max_file_size", 0) > _LARGEST_FILE:
        raise click.UsageError("--max-file-size is at most 2GiB.")
    return Settings(data=place.data, database_url=place.database_url, **given)


def serve(config: Settings, announce: Callable[[str], None], prepare: Prepare | None = None) -> None:
    """Run the hub until it is told to stop. Raises `CannotServe`, and the faults of its database."""
    logs.configure(config.log_level)
    server.serve(config, prepare=prepare or prepared, announce=announce)


@contextmanager
def prepared(config: Settings) -> Iterator[Settings]:
    """What the workers need: a running database that is up to date, and a place for files."""
    files = config.files or str(config.data / "files")
    if config.database_url is not None:
        blobs.check(files)
        asyncio.run(_migrated(config.database_url, patience=0))
        yield config
        return
    with embedded.serving(config.data) as membership:
        blobs.check(files)
        asyncio.run(_migrated(membership.url, patience=_TAKEOVER_S))
        yield msgspec.structs.replace(config, database_url=membership.url)


async def _migrated(url: str, *, patience: float) -> None:
    """`patience` in seconds is for a database that may be away for a moment."""
    deadline = time.monotonic() + patience
    while True:
        try:
            await migrate.migrate(url)
            return
        except DatabaseAway:
            if time.monotonic() > deadline:
                raise
        await asyncio.sleep(0.05)
