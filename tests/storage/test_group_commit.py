"""Small writes sharing transactions."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import asyncpg
import pytest

from tellback.storage.database import Transaction
from tellback.storage.errors import DatabaseAway, QueueFull
from tellback.storage.group_commit import Batch, GroupCommit

pytestmark = pytest.mark.anyio

NUMBERS = "create table numbers (n int primary key, transaction xid8 not null default pg_current_xact_id())"


async def _store(tx: Transaction, numbers: Sequence[int]) -> Sequence[str]:
    await tx.execute("insert into numbers (n) select * from unnest($1::int[])", list(numbers))
    return [f"stored {n}" for n in numbers]


STORE = Batch("numbers", _store, single_statement=True)
STORE_IN_BLOCK = Batch("numbers in a block", _store)


@asynccontextmanager
async def writing(url: str, **options: int) -> AsyncIterator[tuple[GroupCommit, asyncpg.Connection]]:
    watcher = await asyncpg.connect(url)
    commits = await GroupCommit.open(url, **options)
    try:
        await watcher.execute(NUMBERS)
        yield commits, watcher
    finally:
        await commits.close()
        await watcher.close()


@pytest.mark.parametrize("batch", [STORE, STORE_IN_BLOCK], ids=["statement", "block"])
async def test_answers_after_the_commit(database_url: str, batch: Batch[int, str]) -> None:
    async with writing(database_url) as (commits, watcher):
        assert await commits.write(batch, 1) == "stored 1"
        assert await watcher.fetchval("select count(*) from numbers") == 1


@pytest.mark.parametrize("batch", [STORE, STORE_IN_BLOCK], ids=["statement", "block"])
async def test_gathers_what_comes_at_once(database_url: str, batch: Batch[int, str]) -> None:
    async with writing(database_url) as (commits, watcher):
        answers = await asyncio.gather(*(commits.write(batch, n) for n in range(500)))
        assert answers == [f"stored {n}" for n in range(500)]
        assert await watcher.fetchval("select count(*) from numbers") == 500
        transactions = await watcher.fetchval("select count(distinct transaction) from numbers")
        assert transactions <= 2 + 500 // 256 + 2
        assert commits.waiting == 0


@pytest.mark.parametrize("batch", [STORE, STORE_IN_BLOCK], ids=["statement", "block"])
async def test_fails_a_bad_item_alone(database_url: str, batch: Batch[int, str]) -> None:
    async with writing(database_url) as (commits, watcher):
        await commits.write(batch, 7)
        answers = await asyncio.gather(*(commits.write(batch, n) for n in range(20)), return_exceptions=True)
        assert [
            n for n, answer in enumerate(answers) if isinstance(answer, asyncpg.UniqueViolationError)
        ] == [7]
        assert await watcher.fetchval("select count(*) from numbers") == 20


async def test_keeps_kinds_apart_and_in_order(database_url: str) -> None:
    order: list[tuple[str, list[int]]] = []

    def kind(name: str) -> Batch[int, None]:
        async def note(tx: Transaction, numbers: Sequence[int]) -> Sequence[None]:
            await tx.execute("select pg_sleep(0.01)")
            order.append((name, list(numbers)))
            return [None] * len(numbers)

        return Batch(name, note)

    a, b = kind("a"), kind("b")
    async with writing(database_url, lanes=1) as (commits, _):
        await asyncio.gather(*(commits.write(a if n % 2 else b, n) for n in range(9)))
    assert order == [("b", [0]), ("a", [1, 3, 5, 7]), ("b", [2, 4, 6, 8])]


async def test_refuses_at_once_when_too_many_wait(database_url: str) -> None:
    async with writing(database_url, lanes=1, waiting=3) as (commits, watcher):
        answers = await asyncio.gather(*(commits.write(STORE, n) for n in range(10)), return_exceptions=True)
        refused = [answer for answer in answers if isinstance(answer, QueueFull)]
        assert len(refused) == 6
        assert await watcher.fetchval("select count(*) from numbers") == 4
        assert await commits.write(STORE, 100) == "stored 100"


async def test_says_that_the_database_is_away_and_comes_back_by_itself(database_url: str) -> None:
    async with writing(database_url) as (commits, watcher):
        await commits.write(STORE, 1)

        async def cut(tx: Transaction, numbers: Sequence[int]) -> Sequence[None]:
            own = await tx.fetchval("select pg_backend_pid()")
            await watcher.execute("select pg_terminate_backend($1)", own)
            await tx.execute("insert into numbers (n) select * from unnest($1::int[])", list(numbers))
            return [None] * len(numbers)

        with pytest.raises(DatabaseAway):
            await commits.write(Batch("cut", cut), 2)
        assert await commits.write(STORE, 3) == "stored 3"
        assert [row["n"] for row in await watcher.fetch("select n from numbers order by n")] == [1, 3]


async def test_runs_a_transaction_again_after_a_serialization_failure(database_url: str) -> None:
    runs: list[int] = []

    async def clash(tx: Transaction, numbers: Sequence[int]) -> Sequence[None]:
        runs.append(len(runs))
        await tx.execute("insert into numbers (n) select * from unnest($1::int[])", list(numbers))
        if len(runs) < 3:
            await tx.execute("do $$ begin raise exception 'clash' using errcode = '40001'; end $$")
        return [None] * len(numbers)

    async with writing(database_url) as (commits, watcher):
        await commits.write(Batch("clash", clash), 1)
        assert len(runs) == 3
        assert await watcher.fetchval("select count(*) from numbers") == 1


async def test_stores_the_write_of_a_caller_that_went_away(database_url: str) -> None:
    async with writing(database_url, lanes=1) as (commits, watcher):
        first = asyncio.ensure_future(commits.write(STORE, 1))
        second = asyncio.ensure_future(commits.write(STORE, 2))
        third = asyncio.ensure_future(commits.write(STORE, 3))
        await asyncio.sleep(0)
        second.cancel()
        assert await first == "stored 1"
        assert await third == "stored 3"
        assert await watcher.fetchval("select count(*) from numbers") in (2, 3)


async def test_finishes_what_it_took_before_it_closes(database_url: str) -> None:
    watcher = await asyncpg.connect(database_url)
    await watcher.execute(NUMBERS)
    commits = await GroupCommit.open(database_url)
    writes = [asyncio.ensure_future(commits.write(STORE, n)) for n in range(50)]
    await asyncio.sleep(0)
    await commits.close()
    assert await asyncio.gather(*writes) == [f"stored {n}" for n in range(50)]
    assert await watcher.fetchval("select count(*) from numbers") == 50
    await watcher.close()


async def test_lets_a_slow_transaction_hold_nobody_up(database_url: str) -> None:
    async def sleep(tx: Transaction, numbers: Sequence[int]) -> Sequence[None]:
        await tx.execute("select pg_sleep(3)")
        return [None] * len(numbers)

    async with writing(database_url) as (commits, _):
        slow = asyncio.ensure_future(commits.write(Batch("slow", sleep), 1))
        await asyncio.sleep(0.05)
        async with asyncio.timeout(2):
            assert await asyncio.gather(*(commits.write(STORE, n) for n in range(50)))
        assert not slow.done()
        await slow
