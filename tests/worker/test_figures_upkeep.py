"""Adding responses up in the background."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from tellback.core.responses import NewResponse, queries
from tellback.storage.database import Database
from tellback.worker import figures_upkeep

pytestmark = pytest.mark.anyio


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    opened = await Database.open(database_url, connections=3)
    async with opened.reading() as reader:
        await reader.execute(
            "insert into workspaces (slug, name) values ('demo', 'Demo'), ('other', 'Other')"
        )
        await reader.execute("insert into workspace_counters (workspace_id) values (1), (2)")
    yield opened
    await opened.close()


async def record(database: Database) -> None:
    """One response in each workspace."""
    at = datetime(2026, 1, 1, tzinfo=UTC)
    new = [NewResponse(id, "record", None, complete=True, completed_at=at) for id in (1, 2)]
    await database.write(lambda tx: queries.record_many(tx, new))


async def ask(database: Database, sql: str) -> object:
    async with database.reading() as reader:
        return await reader.fetchval(sql)


async def until_added_up(database: Database, responses: int) -> None:
    deadline = time.monotonic() + 10
    while await ask(database, "select sum(responses) from response_hours") != responses:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)


async def test_adds_up_every_workspace_and_goes_on_after_a_failure(database: Database) -> None:
    keeping = asyncio.create_task(figures_upkeep.run(database, every_s=0.02))
    try:
        await record(database)
        await until_added_up(database, 2)
        async with database.reading() as reader:
            await reader.execute("alter table response_hours rename to away")
            await record(database)
            await asyncio.sleep(0.2)
            assert not keeping.done()
            await reader.execute("alter table away rename to response_hours")
        await until_added_up(database, 4)
    finally:
        keeping.cancel()


async def test_shares_the_work_among_processes(database: Database) -> None:
    keepers = [asyncio.create_task(figures_upkeep.run(database, every_s=0.001)) for _ in range(3)]
    try:
        for _ in range(20):
            await record(database)
        await until_added_up(database, 40)
        await asyncio.sleep(0.1)
        assert await ask(database, "select sum(responses) from response_hours") == 40
    finally:
        for keeper in keepers:
            keeper.cancel()
