"""Upkeep: what it removes, what it leaves, and that one process does it."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.support import surveying
from tests.support.forms import left

from tellback.core.surveys import Reply
from tellback.storage import blobs
from tellback.storage.database import Database
from tellback.storage.errors import DatabaseAway
from tellback.worker import upkeep

pytestmark = pytest.mark.anyio

ROUNDS_FOR_ALL = len(blobs.PREFIXES) // upkeep.SWEPT_A_ROUND


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    opened = await Database.open(database_url, connections=3)
    await execute(opened, "insert into workspaces (slug, name) values ('demo', 'Demo'), ('other', 'Other')")
    yield opened
    await opened.close()


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[blobs.BlobStore]:
    opened = blobs.open_store(str(tmp_path))
    yield opened
    await opened.close()


async def execute(database: Database, sql: str, *values: object) -> None:
    async with database.reading() as reader:
        await reader.execute(sql, *values)


async def ask(database: Database, sql: str) -> object:
    async with database.reading() as reader:
        return await reader.fetchval(sql)


async def log_entries(database: Database, count: int, days_ago: float) -> None:
    await execute(
        database,
        """
        insert into intake (workspace_id, at, request_id, surface, method, endpoint, status)
        select 1 + n % 2, now() - make_interval(secs => $2 * 86400), 'r', 'centercode', 'POST', '/', 201
        from generate_series(1, $1::int) n
        """,
        count,
        days_ago,
    )


async def kept_answer(database: Database, scope: bytes, hours_ago: float) -> None:
    await execute(
        database,
        """
        insert into kept_answers (workspace_id, scope, fingerprint, at)
        values (1, $1, '', now() - make_interval(secs => $2))
        """,
        scope,
        hours_ago * 3600,
    )


async def stored(store: blobs.BlobStore, hours_ago: float, folder: Path) -> str:
    writing = store.create()
    await writing.write(b"content")
    name = (await writing.commit()).name
    then = time.time() - hours_ago * 3600
    os.utime(folder / name[:2] / name, (then, then))
    return name


async def test_forgets_log_entries_of_all_workspaces_after_their_days(
    database: Database, store: blobs.BlobStore
) -> None:
    await log_entries(database, 2 * upkeep.BATCH + 7, 7.1)
    await log_entries(database, 5, 6.9)
    assert await upkeep.Upkeep(database, store, intake_days=7).once()
    assert await ask(database, "select count(*) from intake") == 5


async def test_forgets_answers_after_a_day(database: Database, store: blobs.BlobStore) -> None:
    await kept_answer(database, b"old", 24.1)
    await kept_answer(database, b"young", 23.9)
    await upkeep.Upkeep(database, store, intake_days=30).once()
    assert await ask(database, "select array_agg(scope) from kept_answers") == [b"young"]


async def test_comes_to_every_folder_of_the_file_store(
    database: Database, store: blobs.BlobStore, tmp_path: Path
) -> None:
    for _ in range(20):
        await stored(store, 21, tmp_path)
    young = await stored(store, 19, tmp_path)
    work = upkeep.Upkeep(database, store, intake_days=30)
    for _ in range(ROUNDS_FOR_ALL):
        await work.once()
    assert [path.name for path in left(tmp_path)] == [young]


async def test_is_done_by_one_process_at_a_time(database: Database, store: blobs.BlobStore) -> None:
    processes = [upkeep.Upkeep(database, store, intake_days=30) for _ in range(5)]
    worked = await asyncio.gather(*(process.once() for process in processes))
    assert worked.count(True) == 1
    again = await asyncio.gather(*(process.once() for process in processes))
    assert again == worked


async def test_passes_to_another_process_when_the_lease_has_run_out(
    database: Database, store: blobs.BlobStore
) -> None:
    first, second = (upkeep.Upkeep(database, store, intake_days=30) for _ in range(2))
    assert await first.once()
    assert not await second.once()
    await execute(database, "update leases set until = now() - interval '1 second'")
    assert await second.once()
    assert not await first.once()


async def test_goes_on_after_a_fault(database: Database, store: blobs.BlobStore) -> None:
    await log_entries(database, 3, 31)
    await execute(database, "alter table intake rename to intake_away")
    working = asyncio.create_task(upkeep.run_upkeep(database, store, intake_days=30, every_s=0.02))
    await asyncio.sleep(0.2)
    await execute(database, "alter table intake_away rename to intake")
    for _ in range(200):
        if await ask(database, "select count(*) from intake") == 0:
            break
        await asyncio.sleep(0.05)
    assert await ask(database, "select count(*) from intake") == 0
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working


async def test_says_so_when_the_database_is_away(database_url: str, store: blobs.BlobStore) -> None:
    away = await Database.open(database_url, connections=1)
    await away.close()
    with pytest.raises(DatabaseAway):
        await upkeep.Upkeep(away, store, intake_days=30).once()


async def test_puts_away_sessions_that_stood_still(database_url: str, store: blobs.BlobStore) -> None:
    async with surveying.desk(database_url) as desk:
        await desk.apply()
        survey = await desk.survey()
        await desk.take(survey, Reply(choice=2))
        await desk.take(survey, Reply(choice=1))
        await desk.rows(
            "update sessions set started_at = now() - interval '2 hours', active_at = now() - interval '1 hour'"
            " where number = 1"
        )
        await upkeep.Upkeep(desk.db, store, intake_days=30, session_idle=1800).once()
        assert await desk.rows("select number from sessions where expired_at is not null") == [{"number": 1}]
        assert await desk.rows("select score, complete from responses") == [{"score": 0.0, "complete": False}]
