"""(h) One record a call, `PUT /records`, beside the same handler storing nothing."""

from __future__ import annotations

import asyncio
import json
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import asyncpg

from bench import crm, hub, load, processes, rounds, served, table
from tellback.settings import Settings

CONFIGURATION = Path(__file__).with_name("records.yaml")
CLIENT = {"client_id": "bench", "client_secret": "4f0a7d3b9c2e6158"}
#: Different records that are sent, chosen at random: most of the people in them have been seen before.
RECORDS = 5_000
CLIENTS = (1, 16, 64)
SHARE_AT, SHARE = 64, 0.5
NOTHING = "stores nothing"


def measure(settings: rounds.Settings) -> table.Section:
    """One worker each, on one database."""
    section = table.Section(
        "PUT /records: account, contact and response",
        ("clients", "contestant", *rounds.COLUMNS, "of storing nothing"),
    )
    with ExitStack() as stack:
        ours = stack.enter_context(filled(settings, "records"))
        token = _token(ours.port)
        bare = stack.enter_context(_nothing(settings, ours, token))
        contestants = [
            rounds.Contestant(name, port, _messages(port, token), expect=200)
            for name, port in ((hub.NAME, ours.port), (NOTHING, bare))
        ]
        for clients in CLIENTS:
            found = rounds.interleaved(settings, contestants, clients)
            for name, median in found.items():
                share = rounds.ratio(median, found[NOTHING])
                section.rows.append((str(clients), name, *median.cells(), table.number(share)))
            if clients == SHARE_AT:
                what = f"PUT /records, {clients} clients, of storing nothing"
                share = rounds.ratio(found[hub.NAME], found[NOTHING])
                section.targets.append(table.Target(what, share, SHARE))
    return section


@contextmanager
def filled(settings: rounds.Settings, name: str) -> Iterator[hub.Hub]:
    """A hub with the mapping, seen to store what a record says."""
    data, log = settings.temp / name, settings.temp / f"{name}.log"
    with hub.serving(data, workers=1, log=log) as served:
        hub.provision(data, CONFIGURATION)
        _check(served)
        yield served


@contextmanager
def _nothing(settings: rounds.Settings, ours: hub.Hub, token: str) -> Iterator[int]:
    """The hub's application whose writer stores nothing, on the same database; gives its port."""
    told = Settings(data=ours.data, database_url=hub.database_url(ours.data), port=processes.free_port())
    log = settings.temp / "records-nothing.log"
    with served.serving("bench.variants:stores_nothing", told, log) as port:
        _put(port, token, _record(next(crm.rows(1))))
        yield port


def _messages(port: int, token: str) -> list[bytes]:
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
    return [
        load.request("PUT", "/records/", port=port, headers=headers, body=_record(row))
        for row in crm.rows(RECORDS)
    ]


def _record(row: tuple[str, ...]) -> bytes:
    record = dict(zip(crm.HEADINGS, row, strict=True))
    return json.dumps({"configuration": crm.REFERENCE, "record": record}).encode()


def _token(port: int) -> str:
    """An access token of the connected app. Raises `OSError`."""
    form = urllib.parse.urlencode({"grant_type": "client_credentials", **CLIENT}).encode()
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/oauth2/token", form, timeout=30) as answer:
        return str(json.load(answer)["access_token"])


def _put(port: int, token: str, body: bytes) -> None:
    """Raises `OSError`, also for a status that is not 2xx."""
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
    asked = urllib.request.Request(f"http://127.0.0.1:{port}/records/", body, headers, method="PUT")
    urllib.request.urlopen(asked, timeout=30).close()  # noqa: S310


def _check(served: hub.Hub) -> None:
    """Put one record and look at what it became. Raises `BenchFault`."""
    row = next(crm.rows(1))
    _put(served.port, _token(served.port), _record(row))
    sent = dict(zip(crm.HEADINGS, row, strict=True))
    stored = asyncio.run(_stored(hub.database_url(served.data)))
    wanted = (
        sent["Account Name"],
        sent["Email"],
        float(sent["NPS Score"]),
        sent["Touchpoint"],
        sent["Reference"],
    )
    if stored != wanted:
        raise processes.BenchFault(f"the hub stored something else: {stored}")


async def _stored(url: str) -> tuple[Any, ...]:
    """Account, address, score, touchpoint and reference of the newest response."""
    connection = await asyncpg.connect(url)
    try:
        row = await connection.fetchrow(
            "select a.name, c.email, r.score, r.touchpoint, r.reference from responses r"
            " join accounts a on a.workspace_id = r.workspace_id and a.id = r.account_id"
            " join contacts c on c.workspace_id = r.workspace_id and c.id = r.contact_id"
            " order by r.id desc limit 1"
        )
    finally:
        await connection.close()
    return tuple(row or ())
