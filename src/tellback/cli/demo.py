"""`tellback demo`: the hub as `serve` runs it, with a small workspace, feedback in it, and lines to paste."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.resources
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from click.core import ParameterSource

from tellback import server
from tellback.cli import (
    databases,
    demo_feedback,
    demo_page,
    demo_responses,
    faults,
    intake,
    options,
    output,
    serve,
)
from tellback.core import cache_queries, errors, provisioning, workspaces
from tellback.core import intake as intake_log
from tellback.settings import Settings
from tellback.storage.database import Database, Transaction

SLUG = "demo"
PORT = 8080
_PORTS_TRIED = 100
_SHOWN_EVERY_S = 0.2
_SAMPLE = "Session 2f61: 3 rides found, 2 synced\nride 3: no answer from sync.demo.example within 30 s\n"


def demo_data() -> Path:
    """The demo keeps its data beside the hub's, so that what was posted is there the next time."""
    data = options.default_data()
    return data.with_name(f"{data.name}-demo")


@click.command()
@options.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=PORT,
    show_default=True,
    help="Without it, the next free one.",
)
@options.hub_in(demo_data)
@click.pass_context
def command(ctx: click.Context, place: databases.Place, as_json: bool, port: int) -> None:
    """Run a hub with a small workspace and real-looking feedback, to try things on."""
    chosen = ctx.get_parameter_source("port") is not ParameterSource.DEFAULT
    ports = range(port, port + 1) if chosen else range(port, port + _PORTS_TRIED)
    for number in ports:
        demo = Demo(place, as_json, None if number == port else port)
        try:
            demo.run(number)
        except server.PortInUse as error:
            if number == ports[-1]:
                raise faults.Refused(f"{error}.") from error
        except server.CannotServe as error:
            raise faults.Refused(f"{error}.") from error
        else:
            return


class Demo:
    """One run. The hub is the main thread's; filling it and showing what comes in is another's."""

    def __init__(self, place: databases.Place, as_json: bool, taken_port: int | None) -> None:
        self._place = place
        self._as_json = as_json
        self._taken_port = taken_port
        self._url = ""
        self._token = ""
        self._stopping = threading.Event()
        self._fault: Exception | None = None
        self._showing: threading.Thread | None = None

    def run(self, port: int) -> None:
        """Until it is told to stop. Raises as `serve.serve`, and `Refused` for a folder that is not a demo's."""
        config = Settings(
            data=self._place.data,
            database_url=self._place.database_url,
            port=port,
            log_level="warning",
            dev=True,  # surveys without TLS, from this machine alone
        )
        serve.serve(config, self._announce, self._prepared)
        if self._fault is not None:
            raise self._fault

    @contextmanager
    def _prepared(self, config: Settings) -> Iterator[Settings]:
        with serve.prepared(config) as final:
            assert final.database_url is not None
            self._url = final.database_url
            self._token = asyncio.run(_provisioned(self._url, self._place))
            try:
                yield final
            finally:
                self._stopping.set()
                if self._showing is not None:
                    self._showing.join(5)

    def _announce(self, line: str) -> None:
        address = line.rpartition(" ")[2]
        if not self._as_json:
            if self._taken_port is not None:
                output.line(f"port {self._taken_port} is in use, so this is another one")
            output.line(line)
        self._showing = threading.Thread(target=self._show, args=(address,), name="demo", daemon=True)
        self._showing.start()

    def _show(self, address: str) -> None:
        try:
            asyncio.run(self._filled_and_shown(address))
        except Exception as error:
            if not self._stopping.is_set():
                self._fault = error  # raised by the main thread, once everything is closed
                os.kill(os.getpid(), signal.SIGTERM)

    async def _filled_and_shown(self, address: str) -> None:
        db = await Database.open(self._url, connections=2)
        try:
            records = await demo_responses.brought_in(db, SLUG, self._place.data / "demo-responses.csv")
            page = await asyncio.to_thread(self._filled, address, records)
            async with db.reading() as reader:
                workspace = await workspaces.find(reader, SLUG)
                follower = intake_log.Follower(workspace.id)
                await follower.begin(reader, 0, time.monotonic())
            if self._as_json:
                output.document(page.document())
            else:
                for line in page.lines():
                    output.line(line)
            show = intake.show_json if self._as_json else intake.show_line
            following = asyncio.create_task(intake.follow_on(db, follower, show, every=_SHOWN_EVERY_S))
            while not self._stopping.is_set() and not following.done():
                await asyncio.wait({following}, timeout=_SHOWN_EVERY_S)
            following.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await following
        finally:
            await db.close()

    def _filled(self, address: str, records: demo_responses.Brought) -> demo_page.Page:
        """Fill the workspace where that was not done yet, and say what is in it."""
        mobile, website = _keys().values()
        client = demo_feedback.Client(
            address, {"beta/app": mobile, "beta/web": website, "shop/web": website}, self._token
        )
        client.fill(demo_feedback.bundled(), sum(1 for _ in client.tickets()))
        stored = list(client.tickets())
        bugs = [
            int(ticket["display_id"].rpartition("-")[2])
            for ticket in stored
            if (ticket["project"], ticket["type"]) == ("beta", "bugs")
        ]
        sample = self._place.data / "demo-crash.log"
        sample.write_text(_SAMPLE, encoding="utf-8")
        return demo_page.Page(
            address=address,
            place=self._place,
            keys=_keys(),
            app_key=mobile,
            token=self._token,
            tickets=len(stored),
            next_id=f"BUG-{max(bugs, default=0) + 1:04}",
            sample=sample,
            records=records,
        )


def _document() -> provisioning.Document:
    text = (importlib.resources.files(__package__) / "demo_data" / "hub.yaml").read_bytes()
    document = provisioning.read(text, "demo_data/hub.yaml")
    if document.faults:
        raise errors.Invalid(document.faults)
    return document


def _keys() -> dict[str, str]:
    """The API keys of the demo's file, by name."""
    return {key.name: str(key.key.text) for key in _document().values["api_keys"]}


async def _provisioned(url: str, place: databases.Place) -> str:
    """Make the demo's workspace be as its file says; gives a fresh access token for it."""
    db = await Database.open(url, connections=1)
    try:
        async with db.reading() as reader:
            found = [workspace.slug for workspace in await workspaces.queries.workspaces(reader)]
        if found and SLUG not in found:
            raise faults.Refused(
                f"{place.data} is a hub of its own (workspace {found[0]}); give the demo another --data."
            )
        await provisioning.apply(db, _document())
        return await db.write(_token)
    finally:
        await db.close()


async def _token(tx: Transaction) -> str:
    workspace = await workspaces.find(tx, SLUG)
    token = await workspaces.tokens.issue(tx, workspace, SLUG, ["hub_read"])
    await cache_queries.raise_version(tx)
    return token
