"""`tellback work`: deliveries and upkeep alone, as many of them as are needed, in the same place as the hub."""

from __future__ import annotations

import asyncio
import gc
import importlib
import json
import signal
from collections.abc import Callable
from typing import Any

import click
import msgspec

from tellback import logs
from tellback.cli import databases, options, output, serve_options
from tellback.settings import Settings
from tellback.storage import blobs, migrate

#: Of the 10 s from SIGTERM to the end.
STOP_S = 6.0
_LOOK_EVERY_S = 0.25
#: Objects made between two searches for cycles.
_COLLECTED = 10_000


@click.command()
@serve_options.of_workers
@options.hub
def command(place: databases.Place, as_json: bool, **given: Any) -> None:
    """Deliver, and tidy up, until SIGTERM or Ctrl-C. Prints one line when it is ready."""
    settings = Settings(data=place.data, database_url=place.database_url, **given)
    logs.configure(settings.log_level)
    announced = False

    def announce() -> None:
        nonlocal announced
        if not announced:
            output.line(json.dumps({"ready": "work"}) if as_json else "tellback is ready to deliver")
        announced = True

    if blobs.in_bucket(settings.files):
        blobs.check(settings.files)  # a folder is looked at where it is opened

    # Not at the top: every command would have to wait until the server's loop is loaded.
    run = importlib.import_module("uvloop").run
    while run_once(place, settings, announce, run):
        databases.wait_for_owner(place)  # it has made way for a hub, and joins that one


def run_once(
    place: databases.Place, settings: Settings, announce: Callable[[], None], run: Callable[[Any], bool]
) -> bool:
    """Work until told to stop; True when it has to go on elsewhere."""
    with databases.access(place, make=False) as access:
        return run(_work(access, msgspec.structs.replace(settings, database_url=access.url), announce))


async def _work(access: databases.Access, settings: Settings, announce: Callable[[], None]) -> bool:
    # Not at the top either: what works needs much that other commands do not.
    runtime = importlib.import_module("tellback.runtime")
    process = importlib.import_module("tellback.worker.process")
    await migrate.migrate(access.url)
    # What is imported stays: full collections need not look through it. Calls make objects and no cycles.
    gc.collect()
    gc.freeze()
    gc.set_threshold(_COLLECTED)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with runtime.opened(settings) as hub, process.working(hub, delivers=True, stop_s=STOP_S):
        announce()
        while not stop.is_set() and not access.in_the_way():
            try:
                await asyncio.wait_for(stop.wait(), _LOOK_EVERY_S)
            except TimeoutError:
                continue
    return not stop.is_set()
