"""`tellback demo`: the hub as `serve` runs it, with a small workspace, feedback in it, and lines to paste."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from tellback import server
from tellback.cli import (
    databases,
    demo_feedback,
    demo_lines,
    demo_live,
    demo_page,
    demo_responses,
    demo_team,
    demo_workspace,
    faults,
    options,
    output,
    serve,
)
from tellback.settings import Settings
from tellback.storage.database import Database

PORT = 8080
_PORTS_TRIED = 100
_LOOKED_EVERY_S = 0.2
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
        self._tokens = demo_workspace.Tokens("", "")
        self._team = demo_team.Team()
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
            allow_destinations=("127.0.0.0/8",),  # the team's systems are played on this machine
        )
        serve.serve(config, self._announce, self._prepared)
        if self._fault is not None:
            raise self._fault

    @contextmanager
    def _prepared(self, config: Settings) -> Iterator[Settings]:
        with demo_team.running() as self._team, serve.prepared(config) as final:
            assert final.database_url is not None
            self._url = final.database_url
            self._tokens = asyncio.run(demo_workspace.provisioned(self._url, self._place, self._team.address))
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
            records = await demo_responses.brought_in(
                db, demo_workspace.SLUG, self._place.data / "demo-responses.csv"
            )
            tickets = await asyncio.to_thread(self._filled, address)
            live = await demo_live.Live.begun(db, demo_workspace.SLUG, self._team, self._as_json)
            page = self._page(address, tickets, live.cursor, records)
            if self._as_json:
                output.document(page.document())
            else:
                for line in page.lines():
                    output.line(line)
            following = asyncio.create_task(live.follow(db, self._stopping.is_set))
            while not self._stopping.is_set() and not following.done():
                await asyncio.wait({following}, timeout=_LOOKED_EVERY_S)
            following.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await following
        finally:
            await db.close()

    def _filled(self, address: str) -> list[dict[str, Any]]:
        keys = demo_workspace.keys()
        mobile, website = keys[demo_lines.APP], keys["Website"]
        sources = {"beta/app": mobile, "beta/web": website, "shop/web": website}
        client = demo_feedback.Client(address, sources, self._tokens.hub)
        return demo_workspace.filled(client, self._team)

    def _page(
        self, address: str, tickets: Sequence[dict[str, Any]], cursor: str, records: demo_responses.Brought
    ) -> demo_page.Page:
        bugs = [ticket for ticket in tickets if demo_workspace.is_bug(ticket)]
        of_app = [ticket for ticket in bugs if ticket["source"]["key"] == "app"]
        sample = self._place.data / "demo-crash.log"
        sample.write_text(_SAMPLE, encoding="utf-8")
        hub_header, reports_header = self._tokens.write(self._place.data)
        at = demo_lines.Place(
            address=address,
            keys=demo_workspace.keys(),
            hub_header=hub_header,
            reports_header=reports_header,
            sample=sample,
            last_id=of_app[-1]["display_id"],
            next_id=f"BUG-{int(bugs[-1]['display_id'].rpartition('-')[2]) + 1:04}",
            cursor=cursor,
            now=int(time.time()),
            tail=demo_page.tail(self._place),
        )
        tokens = self._tokens
        return demo_page.Page(
            self._place, at, tokens.hub, tokens.reports, self._team.address, len(tickets), records
        )
