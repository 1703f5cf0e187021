"""The file store in a bucket: parts, faults of the bucket, what is left there."""

from __future__ import annotations

import asyncio
import hashlib
import os
import subprocess
import sys
import textwrap
import time
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta

import pytest
from tests.support import buckets, refusing

from tellback.storage import blobs, errors
from tellback.storage.blobs import objects

pytestmark = pytest.mark.anyio

#: Before this, everything is old.
NOW = timedelta(minutes=-5)


@pytest.fixture
def bucket(bucket_server: buckets.Server, monkeypatch: pytest.MonkeyPatch) -> str:
    point_at(bucket_server.url, monkeypatch)
    return bucket_server.make_bucket()


@pytest.fixture
async def store(bucket: str) -> AsyncIterator[blobs.BlobStore]:
    opened = blobs.open_store(f"s3://{bucket}/files")
    yield opened
    await opened.close()


def point_at(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in buckets.environment(url).items():
        monkeypatch.setenv(name, value)


async def put(store: blobs.BlobStore, data: bytes) -> blobs.Stored:
    writing = store.create()
    try:
        for start in range(0, len(data), 1_000_000):
            await writing.write(data[start : start + 1_000_000])
        return await writing.commit()
    except BaseException:
        await writing.abort()
        raise


async def read(store: blobs.BlobStore, name: str, offset: int = 0, length: int | None = None) -> bytes:
    async with store.reading(name, offset=offset, length=length) as chunks:
        return b"".join([chunk async for chunk in chunks])


@pytest.mark.parametrize("size", [objects.PART - 1, objects.PART, objects.PART + 1, 3 * objects.PART + 5])
async def test_keeps_a_blob_of_any_number_of_parts(store: blobs.BlobStore, size: int) -> None:
    data = os.urandom(size)
    stored = await put(store, data)
    assert (stored.size, stored.sha256) == (size, hashlib.sha256(data).hexdigest())
    assert await read(store, stored.name) == data
    assert await read(store, stored.name, size - 7) == data[-7:]


async def test_lays_blobs_out_as_a_folder_does(
    store: blobs.BlobStore, bucket_server: buckets.Server, bucket: str
) -> None:
    name = (await put(store, b"one")).name
    assert bucket_server.objects(bucket) == [f"files/{name[:2]}/{name}"]


async def test_shows_a_blob_when_it_is_committed_and_not_before(
    store: blobs.BlobStore, bucket_server: buckets.Server, bucket: str
) -> None:
    writing = store.create()
    await writing.write(bytes(3 * objects.PART))
    assert bucket_server.objects(bucket) == []
    await writing.commit()
    assert len(bucket_server.objects(bucket)) == 1
    assert bucket_server.unfinished(bucket) == []


async def test_leaves_nothing_of_an_aborted_upload(
    store: blobs.BlobStore, bucket_server: buckets.Server, bucket: str
) -> None:
    writing = store.create()
    await writing.write(bytes(4 * objects.PART))
    assert len(bucket_server.unfinished(bucket)) == 1
    await writing.abort()
    await writing.abort()
    assert (bucket_server.objects(bucket), bucket_server.unfinished(bucket)) == ([], [])


@pytest.mark.parametrize("delay", [0, 0.05, 0.2])
async def test_leaves_nothing_of_an_upload_whose_sender_was_cancelled(
    store: blobs.BlobStore, bucket_server: buckets.Server, bucket: str, delay: float
) -> None:
    sending = asyncio.create_task(put(store, bytes(6 * objects.PART)))
    await asyncio.sleep(delay)
    assert sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
    assert (bucket_server.objects(bucket), bucket_server.unfinished(bucket)) == ([], [])


async def test_uploads_in_bounded_memory(bucket_server: buckets.Server, bucket: str) -> None:
    """96 MiB through a process that grows by the parts that are on their way."""
    program = f"""
        import asyncio, os, resource
        from tellback.storage import blobs

        def most():
            return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024

        async def put(store, mebibytes):
            writing, chunk = store.create(), os.urandom(1024 * 1024)
            for _ in range(mebibytes):
                await writing.write(chunk)
            return await writing.commit()

        async def main():
            store = blobs.open_store("s3://{bucket}/files")
            await put(store, 1)
            before = most()
            stored = await put(store, 96)
            print(stored.size, most() - before, flush=True)
            await store.close()

        asyncio.run(main())
        os._exit(0)
    """
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", textwrap.dedent(program)],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    size, grown = map(int, done.stdout.split())
    assert size == 96 * 1024 * 1024
    assert grown < 64


async def test_says_that_it_is_away_whatever_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    with buckets.running() as server:
        point_at(server.url, monkeypatch)
        store = blobs.open_store(f"s3://{server.make_bucket()}/files")
        name = (await put(store, b"here")).name
        begun = store.create()
        await begun.write(bytes(4 * objects.PART))
        reading = store.reading(name)
        chunks = await reading.__aenter__()
        server.kill()

        async def known(some: Sequence[str]) -> set[str]:
            return set()

        began = time.monotonic()
        with pytest.raises(errors.BlobsAway):
            await begun.commit()
        for asked in (put(store, b"new"), read(store, name), store.delete(name), store.sweep(known)):
            with pytest.raises(errors.BlobsAway, match=rf"^127.0.0.1:{server.port} does not answer$"):
                await asked
        with pytest.raises(errors.BlobsAway):
            await anext(chunks)
        await reading.__aexit__(None, None, None)
        assert time.monotonic() - began < 15
        await store.close()


async def test_does_not_wait_for_a_bucket_that_never_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(objects, "ANSWER_WITHIN", timedelta(seconds=0.2))
    with refusing.silent() as url:
        point_at(url, monkeypatch)
        store = blobs.open_store("s3://feedback/files")
        with pytest.raises(errors.BlobsAway, match="does not answer"):
            await read(store, "0" * 32)
        await store.close()


async def test_gives_up_an_upload_of_which_a_part_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    with refusing.parts() as (url, asked):
        point_at(url, monkeypatch)
        store = blobs.open_store("s3://feedback/files")
        with pytest.raises(errors.BlobsAway, match=r"^127.0.0.1:[0-9]+ answered 500 \(InternalError\)$"):
            await put(store, bytes(6 * objects.PART))
        await store.close()
    assert "DELETE uploadId" in asked
    assert "POST uploadId" not in asked  # which would complete it


async def test_finds_a_blob_missing_only_where_the_bucket_is_there(
    store: blobs.BlobStore, bucket_server: buckets.Server, bucket: str
) -> None:
    name = (await put(store, b"lost")).name
    await store.delete(name)
    with pytest.raises(errors.BlobMissing):
        await read(store, name)
    bucket_server.remove_bucket(bucket)
    with pytest.raises(errors.BlobsAway, match=f"there is no bucket {bucket}"):
        await read(store, name)
    with pytest.raises(errors.BlobsAway, match=f"there is no bucket {bucket}"):
        await store.delete(name)


async def test_is_away_where_nothing_is_found_and_nobody_says_what(monkeypatch: pytest.MonkeyPatch) -> None:
    with refusing.empty() as url:
        point_at(url, monkeypatch)
        store = blobs.open_store("s3://feedback/files")
        for asked in (put(store, b"new"), put(store, bytes(2 * objects.PART)), read(store, "0" * 32)):
            with pytest.raises(errors.BlobsAway, match=r"^127.0.0.1:[0-9]+ answered 404$"):
                await asked
        await store.close()


async def test_sweeps_what_is_old_and_has_no_row_and_is_its_own(
    store: blobs.BlobStore, bucket_server: buckets.Server, bucket: str
) -> None:
    wanted, forgotten = [(await put(store, bytes([number]))).name for number in range(2)]
    others = [
        "0" * 30 + "/other",
        f"files/{forgotten[:2]}/notes.txt",
        f"elsewhere/{forgotten[:2]}/{forgotten}",
    ]
    for key in others:
        bucket_server.put(bucket, key)
    asked: list[str] = []

    async def known(some: Sequence[str]) -> set[str]:
        asked.extend(some)
        return {wanted}

    assert await store.sweep(known) == 0  # nothing is a day old
    assert asked == []
    assert await store.sweep(known, older_than=NOW, prefixes=[wanted[:2]]) == (wanted[:2] == forgotten[:2])
    await store.sweep(known, older_than=NOW, prefixes=[forgotten[:2]])
    assert sorted(set(asked)) == sorted([wanted, forgotten])
    assert sorted(bucket_server.objects(bucket)) == sorted([*others, f"files/{wanted[:2]}/{wanted}"])


def test_can_be_used_where_everything_is_right(bucket: str, bucket_server: buckets.Server) -> None:
    blobs.check(f"s3://{bucket}/some/where/")
    blobs.check(f"s3://{bucket}")
    assert bucket_server.objects(bucket) == []


@pytest.mark.parametrize(
    ("place", "said"),
    [
        (
            "s3://no-such-bucket",
            "cannot keep files in s3://no-such-bucket: there is no bucket no-such-bucket",
        ),
        ("gs://bucket", "there are no file stores at gs://; give a folder, or s3://bucket/prefix"),
        *(
            (place, "the file store's address is none of a bucket; write it like s3://bucket/prefix")
            for place in (
                "s3://",
                "s3:///prefix",
                "s3://hub:canary-of-the-bucket@bucket/prefix",
                "s3://bucket/../up",
                "s3://bucket/a//b",
                "s3://bucket/a?region=x",
                "s3://bucket/a b",
            )
        ),
    ],
)
def test_says_in_one_line_where_it_cannot_be(bucket: str, place: str, said: str) -> None:
    with pytest.raises(errors.StorageError) as refused:
        blobs.check(place)
    assert str(refused.value).partition(" at 127.0.0.1:")[0] == said


def test_says_in_one_line_that_the_keys_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with refusing.keys() as url:
        point_at(url, monkeypatch)
        with pytest.raises(errors.StorageError) as refused:
            blobs.check("s3://feedback/files")
    host = url.removeprefix("http://")
    said = f"cannot keep files in s3://feedback/files: {host} refuses the keys (InvalidAccessKeyId)"
    assert str(refused.value) == said


def test_says_in_one_line_that_there_are_no_keys(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with refusing.keys() as url:  # in the place of the service that machines of AWS ask
        monkeypatch.setenv("AWS_METADATA_ENDPOINT", url)
        with pytest.raises(errors.StorageError, match="AWS_ACCESS_KEY_ID") as refused:
            blobs.check(f"s3://{bucket}")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "address", ["127.0.0.1:9000", "ftp://127.0.0.1", "http://", "http://a b", "http://[::1"]
)
def test_says_in_one_line_that_the_address_is_none(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    point_at(address, monkeypatch)
    with pytest.raises(errors.StorageError, match=r"^[^\n]*AWS_ENDPOINT_URL is not an address[^\n]*$"):
        blobs.check("s3://feedback")
