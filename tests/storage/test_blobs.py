"""The file stores, in a folder and in a bucket: what they keep, what they show, what they leave."""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
import stat
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from tests.support import buckets

from tellback.storage import blobs, errors
from tellback.storage.blobs import writer

pytestmark = pytest.mark.anyio


@dataclass(frozen=True)
class Kept:
    """A store, and the names of all that is in it, unfinished or not."""

    store: blobs.BlobStore
    left: Callable[[], list[str]]


@pytest.fixture(params=["folder", "bucket"])
async def kept(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Kept]:
    """Each of the two."""
    if request.param == "folder":
        opened = blobs.open_store(str(tmp_path / "files"))
        yield Kept(opened, lambda: [path.name for path in left(tmp_path)])
    else:
        server: buckets.Server = request.getfixturevalue("bucket_server")
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        bucket = server.make_bucket()
        opened = blobs.open_store(f"s3://{bucket}/files")
        yield Kept(opened, lambda: server.objects(bucket) + server.unfinished(bucket))
    await opened.close()


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[blobs.BlobStore]:
    """The one in a folder."""
    opened = blobs.open_store(str(tmp_path / "files"))
    yield opened
    await opened.close()


def left(tmp_path: Path) -> list[Path]:
    """Every file in the folder."""
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
async def test_keeps_exactly_what_was_written(kept: Kept, size: int) -> None:
    data = os.urandom(size)
    stored = await put(kept.store, data)
    assert (stored.size, stored.sha256) == (size, hashlib.sha256(data).hexdigest())
    assert await read(kept.store, stored.name) == data


@pytest.mark.parametrize("chunk", [1, 4_095, 3 * writer.BLOCK])
async def test_does_not_care_how_the_bytes_arrive(kept: Kept, chunk: int) -> None:
    data = os.urandom(5_000 if chunk == 1 else 2 * writer.BLOCK + 12_345)
    stored = await put(kept.store, data, chunk)
    assert await read(kept.store, stored.name) == data


async def test_takes_views_of_memory_that_is_used_again(kept: Kept) -> None:
    writing = kept.store.create()
    buffer = bytearray(b"first ")
    await writing.write(memoryview(buffer))
    buffer[:] = b"second"
    await writing.write(memoryview(buffer))
    assert await read(kept.store, (await writing.commit()).name) == b"first second"


async def test_reads_any_part_of_a_blob(kept: Kept) -> None:
    data = os.urandom(1_000_000)
    name = (await put(kept.store, data)).name
    assert await read(kept.store, name, 999_990) == data[999_990:]
    assert await read(kept.store, name, 10, 700_000) == data[10:700_010]
    assert await read(kept.store, name, 10, 0) == b""
    assert await read(kept.store, name, 2_000_000) == b""


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


async def test_removes_an_aborted_blob_at_once(kept: Kept) -> None:
    writing = kept.store.create()
    await writing.write(bytes(3 * writer.BLOCK))
    await writing.abort()
    await writing.abort()
    assert kept.left() == []


async def test_keeps_a_finished_blob_when_it_is_aborted_too_late(kept: Kept) -> None:
    writing = kept.store.create()
    await writing.write(b"kept")
    stored = await writing.commit()
    await writing.abort()
    assert await read(kept.store, stored.name) == b"kept"


async def test_leaves_nothing_of_a_commit_that_was_cancelled(kept: Kept) -> None:
    for delay in (0, 0.0005, 0.002):
        writing = kept.store.create()
        await writing.write(bytes(2 * writer.BLOCK))
        committing = asyncio.create_task(writing.commit())
        await asyncio.sleep(delay)
        if committing.cancel():
            with pytest.raises(asyncio.CancelledError):
                await committing
            assert kept.left() == []
        else:
            await kept.store.delete(committing.result().name)


async def test_deletes_a_blob_and_does_not_mind_when_it_is_gone(kept: Kept) -> None:
    name = (await put(kept.store, b"old")).name
    await kept.store.delete(name)
    await kept.store.delete(name)
    assert kept.left() == []
    with pytest.raises(errors.BlobMissing):
        await read(kept.store, name)


@pytest.mark.parametrize(
    "name", ["", "../../etc/passwd", "aa/../bb", "A" * 32, "0" * 31, "0" * 33, "0" * 32 + "\n"]
)
async def test_finds_nothing_under_a_name_it_did_not_make(kept: Kept, name: str) -> None:
    with pytest.raises(errors.BlobMissing):
        await read(kept.store, name)


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


async def test_holds_nothing_up_while_another_blob_is_written(kept: Kept) -> None:
    data = [os.urandom(writer.BLOCK + number) for number in range(20)]
    stored = await asyncio.gather(*(put(kept.store, one) for one in data))
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
