"""A real PostgreSQL for the tests: one server for the session, a database of its own for every test."""

from __future__ import annotations

import asyncio
import itertools
import os
import shutil
import tempfile
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from tellback.storage import embedded, migrate

Result = TypeVar("Result")

#: Whose programs the session runs on; unset: those of the wheel.
VARIABLE = "TELLBACK_TEST_PG_BIN"
# Nothing here outlives the session, and dropping a database forces a checkpoint. Tests of durability start
# a server of their own.
_FAST = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}
_TEMPLATE = "tellback"  # migrated once; every test gets a copy


@dataclass(frozen=True)
class Cluster:
    url: str
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))


@contextmanager
def cluster() -> Iterator[Cluster]:
    """A running server with a migrated template, in a temporary folder that only we can enter."""
    binaries = os.environ.get(VARIABLE)
    data = Path(tempfile.mkdtemp(prefix="tellback-test-"))
    server = embedded.EmbeddedPostgres(data, Path(binaries) if binaries else None, settings=_FAST)
    try:
        server.start()
        run(migrate.migrate(server.url))
        yield Cluster(server.url)
    finally:
        server.stop()
        shutil.rmtree(data)


def fresh_database(cluster: Cluster) -> str:
    """The URL of a new, migrated database."""
    name = f"test_{next(cluster.numbers)}"
    # Copying files takes half as long as writing them to the log, where nothing waits for the disk.
    run(_execute(cluster, f"create database {name} template {_TEMPLATE} strategy file_copy"))
    return on_database(cluster.url, name)


def empty_database(cluster: Cluster) -> str:
    """The URL of a new database without a schema."""
    name = f"test_{next(cluster.numbers)}"
    run(_execute(cluster, f"create database {name} template template0"))
    return on_database(cluster.url, name)


def drop(cluster: Cluster, url: str) -> None:
    run(_execute(cluster, f"drop database {urlsplit(url).path[1:]} with (force)"))


def on_database(url: str, name: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


def run(work: Coroutine[Any, Any, Result]) -> Result:
    """Run `work` to its end on a loop of its own, also where one runs already."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


async def _execute(cluster: Cluster, sql: str) -> None:
    connection = await asyncpg.connect(on_database(cluster.url, "postgres"))
    try:
        await connection.execute(sql)
    finally:
        await connection.close()
