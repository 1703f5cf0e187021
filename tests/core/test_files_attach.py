"""Attaching files to tickets, and sweeping the store."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.support.forms import left

from tellback.core import files
from tellback.storage import blobs
from tellback.storage.database import Database

pytestmark = pytest.mark.anyio


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    opened = await Database.open(database_url, connections=2)
    yield opened
    await opened.close()


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[blobs.BlobStore]:
    opened = blobs.open_store(str(tmp_path))
    yield opened
    await opened.close()


async def workspace(database: Database, slug: str) -> int:
    async with database.reading() as reader:
        number: int = await reader.fetchval(
            "insert into workspaces (slug, name) values ($1, $1) returning id", slug
        )
    return number


def crash_log(number: int, blob: str | None = None) -> files.NewFile:
    return files.NewFile(
        "log",
        "crashlog",
        f"crash {number}.log",
        "text/plain",
        3_000_000_000 + number,
        "ab" * 32,
        blob or f"{number:032x}",
    )


async def stored(store: blobs.BlobStore, hours_ago: float, folder: Path) -> str:
    writing = store.create()
    await writing.write(b"content")
    name = (await writing.commit()).name
    then = time.time() - hours_ago * 3600
    os.utime(folder / name[:2] / name, (then, then))
    return name


async def test_appends_files_in_order(database: Database) -> None:
    demo = await workspace(database, "demo")
    first = await database.write(lambda tx: files.add_many(tx, demo, 7, [crash_log(n) for n in range(20)]))
    second = await database.write(lambda tx: files.add_many(tx, demo, 7, [crash_log(20)]))
    assert [file.name for file in first + second] == [f"crash {n}.log" for n in range(21)]
    assert first[3].size == 3_000_000_003
    async with database.reading() as reader:
        assert await files.of_ticket(reader, demo, [7, 8]) == {7: first + second}


async def test_shows_a_file_to_its_own_workspace_only(database: Database) -> None:
    demo, other = await workspace(database, "demo"), await workspace(database, "other")
    (file,) = await database.write(lambda tx: files.add_many(tx, demo, 7, [crash_log(1)]))
    async with database.reading() as reader:
        assert await files.blob_of(reader, demo, file.id) == (file, f"{1:032x}")
        assert await files.blob_of(reader, other, file.id) is None
        assert await files.of_ticket(reader, other, [7]) == {}


async def test_sweeps_old_blobs_that_no_workspace_refers_to(
    database: Database, store: blobs.BlobStore, tmp_path: Path
) -> None:
    demo = await workspace(database, "demo")
    attached, forgotten, waiting = [await stored(store, hours, tmp_path) for hours in (25, 25, 1)]
    await database.write(lambda tx: files.add_many(tx, demo, 7, [crash_log(1, attached)]))
    assert await files.sweep_unreferenced(database, store) == 1
    kept = {path.name for path in left(tmp_path)}
    assert kept == {attached, waiting}
    assert forgotten not in kept
