"""Receiving files: what is refused, and that nothing of it is kept."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.support.forms import BOUNDARY, CONTENT_TYPE, body, left, part, receive, sent

from tellback.core import errors
from tellback.kit import multipart
from tellback.storage import blobs
from tellback.storage import errors as storage_errors

pytestmark = pytest.mark.anyio

GOOD = part(b"stored first")


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[blobs.BlobStore]:
    opened = blobs.open_store(str(tmp_path))
    yield opened
    await opened.close()


@pytest.mark.parametrize(
    "content_type",
    ["", "application/json", "multipart/mixed; boundary=x", "multipart/form-data-not; boundary=x"],
)
async def test_refuses_another_media_type(store: blobs.BlobStore, content_type: str) -> None:
    with pytest.raises(errors.Unsupported):
        await receive(store, body(GOOD), content_type=content_type)


@pytest.mark.parametrize(
    "options", ["", "; boundary", "; boundary=", '; boundary=""', "; boundary=a; boundary=b", f"; boundary={'x' * 71}",
                "; boundary=\x00", '; boundary="a\r\n"', '; boundary="ends in space "', "; boundary=ä"]
)  # fmt: skip
async def test_refuses_a_boundary_that_is_none(store: blobs.BlobStore, options: str) -> None:
    with pytest.raises(errors.Malformed, match="boundary"):
        await receive(store, body(GOOD), content_type=f"multipart/form-data{options}")


BROKEN = {
    "empty": b"",
    "no part": f"--{BOUNDARY}--\r\n".encode(),
    "no file": body(part(b"x", 'name="a"'), part(b"", 'name="a"; filename=""')),
    "no terminator": body(GOOD, part(b"x")).removesuffix(b"--\r\n"),
    "cut in a header": body(GOOD) + b"",
    "another boundary": body(GOOD, boundary="another"),
    "line feeds only": body(GOOD).replace(b"\r\n", b"\n"),
    "line feeds in the headers": body(GOOD).replace(b'log"\r\n\r\n', b'log"\n\n'),
    "no disposition": body(GOOD, b"Content-Type: text/plain\r\n\r\nx"),
    "attachment": body(GOOD, b"Content-Disposition: attachment; filename=x\r\n\r\nx"),
    "header without a colon": body(GOOD, part(b"x", "name=a; filename=b", "nonsense")),
    "header that is not UTF-8": body(GOOD, b'Content-Disposition: form-data; filename="\xff"\r\n\r\nx'),
    "base64": body(GOOD, part(b"eA==", "name=a; filename=b", "Content-Transfer-Encoding: Base64")),
    "quoted-printable": body(
        GOOD, part(b"=41", "name=a; filename=b", "content-transfer-encoding: quoted-printable")
    ),
    "length that is wrong": body(GOOD, part(b"four", "name=a; filename=b", "Content-Length: 5")),
    "101 parts": body(*[GOOD] * 101),
    "large header": body(GOOD, part(b"x", "name=a; filename=b", "X-Large: " + "x" * 16_384)),
    "many headers": body(GOOD, part(b"x", "name=a; filename=b", *["X-Large: " + "x" * 1_000] * 17)),
    "small headers without end": body(GOOD, part(b"x", "name=a; filename=b", *["X: y"] * 10_000)),
    "large preamble": b"x" * 90_000 + b"\r\n" + body(GOOD),
    "large epilogue": body(GOOD) + b"x" * 90_000,
}
BROKEN["cut in a header"] = BROKEN["base64"][: BROKEN["base64"].index(b"Base64")]


@pytest.mark.parametrize("chunk", [1_000, 16_384])
@pytest.mark.parametrize("what", BROKEN)
async def test_refuses_a_broken_body_and_keeps_nothing(
    store: blobs.BlobStore, tmp_path: Path, what: str, chunk: int
) -> None:
    broken = BROKEN[what]
    with pytest.raises(errors.Malformed):
        await receive(store, *(broken[start : start + chunk] for start in range(0, len(broken), chunk)))
    assert left(tmp_path) == []


@pytest.mark.parametrize("what", ["no file", "no part", "empty", "no terminator", "base64", "101 parts"])
async def test_says_what_is_wrong_without_naming_the_parser(store: blobs.BlobStore, what: str) -> None:
    with pytest.raises(errors.Malformed, match=r"^The (multipart body|request|part)|^A part") as refused:
        await receive(store, BROKEN[what])
    assert "\n" not in refused.value.message
    assert "parser" not in refused.value.message.lower()


async def test_takes_as_many_parts_and_headers_as_it_says(store: blobs.BlobStore) -> None:
    form = await receive(store, body(*[GOOD] * 100))
    assert len(form.files) == 100
    await receive(store, body(part(b"x", "name=a; filename=b", "X-Large: " + "x" * 16_000)))


@pytest.mark.parametrize("size", [1_001, 3_000_000])
async def test_refuses_a_file_over_the_limit_while_it_arrives(
    store: blobs.BlobStore, tmp_path: Path, size: int
) -> None:
    taken = 0

    async def watched() -> AsyncIterator[bytes]:
        nonlocal taken
        whole = body(GOOD, part(bytes(size)), part(bytes(100_000)))
        for start in range(0, len(whole), 500):
            taken = start
            yield whole[start : start + 500]

    with pytest.raises(errors.TooLarge):
        await multipart.receive_files(watched(), CONTENT_TYPE, store, max_file_size=1_000)
    assert taken < 3_000
    assert left(tmp_path) == []


async def test_takes_a_file_of_exactly_the_limit(store: blobs.BlobStore) -> None:
    form = await receive(store, body(part(bytes(1_000))), limit=1_000)
    assert form.files[0].stored.size == 1_000


async def test_refuses_a_request_that_never_ends(store: blobs.BlobStore, tmp_path: Path) -> None:
    whole = body(*[part(bytes(900_000), f"name=a; filename=f{number}") for number in range(10)])
    with pytest.raises(errors.TooLarge):
        await receive(
            store, *(whole[start : start + 65_536] for start in range(0, len(whole), 65_536)), limit=900_000
        )
    with pytest.raises(errors.TooLarge):
        await receive(store, body(part(bytes(1_100_000), "name=a")))
    assert left(tmp_path) == []


@pytest.mark.alone
async def test_refuses_a_hundred_thousand_parts_quickly(store: blobs.BlobStore, tmp_path: Path) -> None:
    bomb = body(*[part(b"", "name=a")] * 100_000)
    began = time.monotonic()
    with pytest.raises(errors.Malformed):
        await receive(store, *(bomb[start : start + 65_536] for start in range(0, len(bomb), 65_536)))
    assert time.monotonic() - began < 1
    assert left(tmp_path) == []


async def test_keeps_nothing_when_the_sender_goes_away(store: blobs.BlobStore, tmp_path: Path) -> None:
    whole = body(GOOD, part(bytes(5_000_000)), GOOD)

    class GoneAway(Exception):
        pass

    async def aborted(at: int) -> AsyncIterator[bytes]:
        for start in range(0, at, 300_000):
            yield whole[start : min(start + 300_000, at)]
        raise GoneAway

    for tenth in range(11):
        with pytest.raises(GoneAway):
            await multipart.receive_files(
                aborted(len(whole) * tenth // 10), CONTENT_TYPE, store, max_file_size=10_000_000
            )
        assert left(tmp_path) == []


async def test_keeps_nothing_when_it_is_cancelled(store: blobs.BlobStore, tmp_path: Path) -> None:
    arrived = asyncio.Event()

    async def stalled() -> AsyncIterator[bytes]:
        yield body(GOOD, part(bytes(5_000_000))).removesuffix(f"--{BOUNDARY}--\r\n".encode())
        arrived.set()
        await asyncio.sleep(60)

    receiving = asyncio.create_task(
        multipart.receive_files(stalled(), CONTENT_TYPE, store, max_file_size=10_000_000)
    )
    await arrived.wait()
    assert len(left(tmp_path)) == 2
    receiving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await receiving
    assert left(tmp_path) == []


async def test_keeps_nothing_when_the_store_fails(
    store: blobs.BlobStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fsync, calls = os.fsync, 0

    def failing(descriptor: int) -> None:
        nonlocal calls
        calls += 1
        if calls > 4:
            raise OSError(28, "No space left on device")
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", failing)
    with pytest.raises(storage_errors.BlobsAway):
        await multipart.receive_files(sent([body(*[GOOD] * 5)]), CONTENT_TYPE, store, max_file_size=1_000)
    assert left(tmp_path) == []
