"""The file store in a folder: what it keeps, what it shows, what it leaves."""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
import stat
import time
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from tellback.storage import blobs, errors
from tellback.storage.blobs import writer

pytestmark = pytest.mark.anyio


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[blobs.BlobStore]:
    opened = blobs.open_store(str(tmp_path / "files"))
    yield opened
    await opened.close()


def left(tmp_path: Path) -> list[Path]:
    """Every file in the store."""
    return [path for path in (tmp_path / "files").rglob("*") if path.is_file()]


async def put(store: blobs.BlobStore, data: bytes, chunk: int = 65_536) -> blobs.Stored:
    writing = store.create()
    for start in range(0, len(data), chunk):
        await writing.write(data[start : start + chunk])
    return await writing.commit()


async def read(store: blobs.BlobStore, name: str, offset: int = 0, length: int | None = None) -> bytes:
    async with store.reading(name, offset=offset, length=length) as chunks:
        return b"".join([chunk async for chunk in chunks])


def age(path: Path, hours: float) -> None:
    then = time.time() - hours * 3600
    os.utime(path, (then, then))


@pytest.mark.parametrize(
    "size", [0, 1, 70_001, writer.BLOCK - 1, writer.BLOCK, writer.BLOCK + 1, 3 * writer.BLOCK + 5]
)
async def test_keeps_exactly_what_was_written(store: blobs.BlobStore, size: int) -> None:
    data = os.urandom(size)
    stored = await put(store, data)
    assert (stored.size, stored.sha256) == (size, hashlib.sha256(data).hexdigest())
    assert await read(store, stored.name) == data


@pytest.mark.parametrize("chunk", [1, 4_095, 3 * writer.BLOCK])
async def test_does_not_care_how_the_bytes_arrive(store: blobs.BlobStore, chunk: int) -> None:
    data = os.urandom(5_000 if chunk == 1 else 2 * writer.BLOCK + 12_345)
    stored = await put(store, data, chunk)
    assert await read(store, stored.name) == data


async def test_takes_views_of_memory_that_is_used_again(store: blobs.BlobStore) -> None:
    writing = store.create()
    buffer = bytearray(b"first ")
    await writing.write(memoryview(buffer))
    buffer[:] = b"second"
    await writing.write(memoryview(buffer))
    assert await read(store, (await writing.commit()).name) == b"first second"


async def test_reads_any_part_of_a_blob(store: blobs.BlobStore) -> None:
    data = os.urandom(1_000_000)
    name = (await put(store, data)).name
    assert await read(store, name, 999_990) == data[999_990:]
    assert await read(store, name, 10, 700_000) == data[10:700_010]
    assert await read(store, name, 10, 0) == b""
    assert await read(store, name, 2_000_000) == b""


async def test_lets_nobody_else_look(store: blobs.BlobStore, tmp_path: Path) -> None:
    await put(store, b"private")
    (blob,) = left(tmp_path)
    assert stat.S_IMODE(blob.stat().st_mode) == 0o600
    for folder in (tmp_path / "files", blob.parent):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


async def test_gives_a_blob_its_name_only_when_it_is_complete(store: blobs.BlobStore, tmp_path: Path) -> None:
    writing = store.create()
    for _ in range(3):
        await writing.write(bytes(writer.BLOCK))
    assert [path.suffix for path in left(tmp_path)] == [".part"]
    stored = await writing.commit()
    assert [path.name for path in left(tmp_path)] == [stored.name]


async def test_removes_an_aborted_blob_at_once(store: blobs.BlobStore, tmp_path: Path) -> None:
    writing = store.create()
    await writing.write(bytes(3 * writer.BLOCK))
    await writing.abort()
    await writing.abort()
    assert left(tmp_path) == []


async def test_keeps_a_finished_blob_when_it_is_aborted_too_late(store: blobs.BlobStore) -> None:
    writing = store.create()
    await writing.write(b"kept")
    stored = await writing.commit()
    await writing.abort()
    assert await read(store, stored.name) == b"kept"


async def test_leaves_nothing_of_a_commit_that_was_cancelled(store: blobs.BlobStore, tmp_path: Path) -> None:
    for delay in (0, 0.0005, 0.002):
        writing = store.create()
        await writing.write(bytes(2 * writer.BLOCK))
        committing = asyncio.create_task(writing.commit())
        await asyncio.sleep(delay)
        if committing.cancel():
            with pytest.raises(asyncio.CancelledError):
                await committing
            assert left(tmp_path) == []
        else:
            await store.delete(committing.result().name)


async def test_deletes_a_blob_and_does_not_mind_when_it_is_gone(
    store: blobs.BlobStore, tmp_path: Path
) -> None:
    name = (await put(store, b"old")).name
    await store.delete(name)
    await store.delete(name)
    assert left(tmp_path) == []
    with pytest.raises(errors.BlobMissing):
        await read(store, name)


@pytest.mark.parametrize(
    "name", ["", "../../etc/passwd", "aa/../bb", "A" * 32, "0" * 31, "0" * 33, "0" * 32 + "\n"]
)
async def test_finds_nothing_under_a_name_it_did_not_make(store: blobs.BlobStore, name: str) -> None:
    with pytest.raises(errors.BlobMissing):
        await read(store, name)


async def test_sweeps_what_is_old_and_has_no_row(store: blobs.BlobStore, tmp_path: Path) -> None:
    names = [(await put(store, bytes([number]))).name for number in range(4)]
    wanted, forgotten, young, also_forgotten = names
    unfinished = tmp_path / "files" / "00" / ("0" * 32 + ".part")
    unfinished.parent.mkdir(exist_ok=True)
    unfinished.write_bytes(b"half")
    for name in (wanted, forgotten, also_forgotten):
        age(tmp_path / "files" / name[:2] / name, 25)
    age(unfinished, 25)
    asked: list[str] = []

    async def known(some: Sequence[str]) -> set[str]:
        asked.extend(some)
        return {wanted}

    assert await store.sweep(known) == 3
    assert sorted(path.name for path in left(tmp_path)) == sorted([wanted, young])
    assert sorted(asked) == sorted([wanted, forgotten, also_forgotten])


async def test_sweeps_in_shares(store: blobs.BlobStore, tmp_path: Path) -> None:
    for folder in ("0a", "0b"):
        path = tmp_path / "files" / folder / (folder + "0" * 30)
        path.parent.mkdir()
        path.write_bytes(b"forgotten")
        age(path, 3)

    async def known(some: Sequence[str]) -> set[str]:
        return set()

    assert await store.sweep(known, older_than=timedelta(hours=4)) == 0
    assert await store.sweep(known, older_than=timedelta(hours=2), prefixes=["0b"]) == 1
    assert [path.name[:2] for path in left(tmp_path)] == ["0a"]


async def test_holds_nothing_up_while_another_blob_is_written(store: blobs.BlobStore) -> None:
    data = [os.urandom(writer.BLOCK + number) for number in range(20)]
    stored = await asyncio.gather(*(put(store, one) for one in data))
    assert [one.sha256 for one in stored] == [hashlib.sha256(one).hexdigest() for one in data]


async def test_fails_when_its_folder_has_vanished(store: blobs.BlobStore, tmp_path: Path) -> None:
    shutil.rmtree(tmp_path / "files")
    with pytest.raises(errors.BlobsAway):
        await put(store, b"nowhere")
    assert not (tmp_path / "files").exists()


def test_says_in_one_line_where_it_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    for place in (tmp_path / "taken", tmp_path / "taken" / "below"):
        with pytest.raises(errors.StorageError, match=r"^cannot keep files in .*taken[^\n]*: [^\n]+$"):
            blobs.open_store(str(place))


def test_says_in_one_line_that_buckets_are_for_later() -> None:
    with pytest.raises(
        errors.StorageError, match=r"^file stores at s3:// are not available in this version[^\n]*$"
    ):
        blobs.open_store("s3://bucket/prefix")
