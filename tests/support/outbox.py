"""Queues for the tests of workers: destinations and deliveries without the configuration that makes them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import aiohttp
import msgspec

from tellback.core.deliveries import queries as delivery_queries
from tellback.core.deliveries.definitions import Webhook
from tellback.core.deliveries.model import NewDelivery, Request
from tellback.storage.database import Database
from tellback.worker import delivery

QUICK = (0.0, 0.05, 0.05)


@dataclass
class Outbox:
    """A workspace with queues, in a database that is open."""

    db: Database
    url: str

    async def destination(
        self, url: str, *, kind: str = "webhook", secrets: Sequence[str] = (), **more: Any
    ) -> int:
        """A webhook (or what `kind` says) that posts to `url`; its id."""
        key = f"d{await self.value('select count(*) from destinations')}"
        definition = msgspec.json.encode(Webhook(key=key, method="POST", url=url, **more)).decode()
        made: int = await self.value(
            """
            insert into destinations (workspace_id, kind, key, definition, secrets)
            values (1, $1, $2, $3, $4) returning id
            """,
            kind, key, definition, list(secrets),
        )  # fmt: skip
        return made

    async def queue(
        self, destination: int, url: str, count: int = 1, *, body: str | None = None, kind: str = "ticket.created",
        subject: str = "1",
    ) -> list[int]:  # fmt: skip
        """Deliveries to `url`, whose bodies count from 0; their ids."""
        new = [
            NewDelivery(
                destination, kind, datetime.now(UTC), "ticket", subject,
                Request("POST", url, (("Content-Type", "application/json"),), body or f'{{"n": {number}}}'),
                event_seq=number + 1,
            )
            for number in range(count)
        ]  # fmt: skip
        return await self.db.write(lambda tx: delivery_queries.add(tx, 1, new))

    async def rows(self, sql: str, *values: object) -> list[dict[str, Any]]:
        async with self.db.reading() as reader:
            return [dict(row) for row in await reader.fetch(sql, *values)]

    async def value(self, sql: str, *values: object) -> Any:
        async with self.db.reading() as reader:
            return await reader.fetchval(sql, *values)

    async def until(self, sql: str, wanted: object, seconds: float = 10.0) -> None:
        """Wait until a query gives `wanted`."""
        deadline = time.monotonic() + seconds
        while (found := await self.value(sql)) != wanted:
            assert time.monotonic() < deadline, f"{found!r} in place of {wanted!r} after {seconds} s"
            await asyncio.sleep(0.02)

    async def until_settled(self, seconds: float = 10.0) -> None:
        await self.until("select count(*) from deliveries where state = 'waiting'", 0, seconds)

    async def attempts(self, delivery_id: int) -> list[dict[str, Any]]:
        return await self.rows("select * from attempts where delivery_id = $1 order by number", delivery_id)

    @asynccontextmanager
    async def sending(
        self,
        schedule: tuple[float, ...] = QUICK,
        *,
        stop_s: float = 1.0,
        connector: aiohttp.BaseConnector | None = None,
    ) -> AsyncIterator[delivery.Deliveries]:
        """A worker that may call loopback, or what `connector` lets it."""
        connector = connector or aiohttp.TCPConnector(limit=0, keepalive_timeout=4)
        async with delivery.sending(self.db, self.url, schedule, connector, stop_s=stop_s) as deliveries:
            yield deliveries


@asynccontextmanager
async def opened(database_url: str) -> AsyncIterator[Outbox]:
    db = await Database.open(database_url, connections=4)
    outbox = Outbox(db, database_url)
    await outbox.rows("insert into workspaces (slug, name) values ('demo', 'Demo')")
    await outbox.rows("insert into workspace_counters (workspace_id) values (1)")
    try:
        yield outbox
    finally:
        await db.close()
