"""Writers that remember what was acknowledged to them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

# InternalClientError is what asyncpg 0.32 says when the connection breaks between preparing and executing.
_LOST = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)


@asynccontextmanager
async def writing(url: str, writers: int = 4) -> AsyncIterator[set[int]]:
    """Insert numbers from several connections meanwhile; yields those whose commit was acknowledged.

    A writer that loses its connection makes a new one as soon as it can.
    """
    connection = await asyncpg.connect(url)
    await connection.execute("create table if not exists acked (n bigint primary key)")
    start = await connection.fetchval("select coalesce(max(n), 0) from acked") + 1_000_000
    await connection.close()
    acknowledged: set[int] = set()
    tasks = [asyncio.create_task(_write(url, start + w, writers, acknowledged)) for w in range(writers)]
    try:
        yield acknowledged
    finally:
        for task in tasks:
            task.cancel()
        for task in tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task


async def _write(url: str, number: int, step: int, acknowledged: set[int]) -> None:
    while True:
        try:
            connection = await asyncpg.connect(url, timeout=2)
        except _LOST:
            await asyncio.sleep(0.01)
            continue
        try:
            while True:
                number += step  # also after a failure: whether that one is stored nobody knows
                await connection.execute("insert into acked values ($1)", number)
                acknowledged.add(number)
        except _LOST:
            connection.terminate()
        except asyncio.CancelledError:
            connection.terminate()
            raise


async def stored(url: str) -> set[int]:
    connection = await asyncpg.connect(url)
    try:
        return {row["n"] for row in await connection.fetch("select n from acked")}
    finally:
        await connection.close()
