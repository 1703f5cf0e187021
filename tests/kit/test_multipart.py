"""Receiving files: what a multipart body becomes."""

from __future__ import annotations

import hashlib
import os
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from tests.support.forms import BOUNDARY, body, content, left, part, receive

from tellback.kit import multipart
from tellback.storage import blobs

pytestmark = pytest.mark.anyio


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[blobs.BlobStore]:
    opened = blobs.open_store(str(tmp_path))
    yield opened
    await opened.close()


async def test_stores_a_file(store: blobs.BlobStore) -> None:
    data = os.urandom(300_000)
    form = await receive(
        store, body(part(data, 'name="log"; filename="crash.log"', "Content-Type: text/plain"))
    )
    (file,) = form.files
    assert (file.field, file.name, file.media_type) == ("log", "crash.log", "text/plain")
    assert (file.stored.size, file.stored.sha256) == (len(data), hashlib.sha256(data).hexdigest())
    assert await content(store, file) == data


async def test_stores_every_part_that_has_a_file_name_and_no_other(
    store: blobs.BlobStore, tmp_path: Path
) -> None:
    form = await receive(
        store,
        body(
            part(b"1", 'name="a"; filename="one"'),
            part(b"not a file", 'name="a"'),
            part(b"", 'name="a"; filename="empty"'),
            part(b"", 'name="nothing chosen"; filename=""'),
            part(b"3", 'name="a"; filename="one"'),
        ),
    )
    assert [(file.field, file.name, await content(store, file)) for file in form.files] == [
        ("a", "one", b"1"),
        ("a", "empty", b""),
        ("a", "one", b"3"),
    ]
    assert len(left(tmp_path)) == 3


async def test_reads_a_body_cut_anywhere(store: blobs.BlobStore) -> None:
    # Contents that look like the beginning of a boundary, at every place a cut may fall.
    data = f"\r\n--{BOUNDARY[:-1]}\r\r\n-\r\n--{BOUNDARY[:4]}\r".encode()
    whole = body(part(data), part(b"kept apart", 'name="x"'), part(data[::-1])) + b"\r\n"
    fingerprint = (await receive(store, whole)).fingerprint
    for cut in range(len(whole) + 1):
        form = await receive(store, whole[:cut], whole[cut:])
        assert [await content(store, file) for file in form.files] == [data, data[::-1]]
        assert form.fingerprint == fingerprint
        await form.discard(store)


async def test_reads_a_body_that_arrives_byte_by_byte(store: blobs.BlobStore) -> None:
    whole = body(part(b"\r\n--" + BOUNDARY[:5].encode()))
    form = await receive(store, *(whole[place : place + 1] for place in range(len(whole))))
    assert await content(store, form.files[0]) == b"\r\n--" + BOUNDARY[:5].encode()


@pytest.mark.parametrize(
    "name", ["crash.log", "a b.txt", "größe 📈.csv", 'quo"te.txt', "per%20cent.txt", "back\\slash.txt"]
)
async def test_understands_what_httpx_sends(store: blobs.BlobStore, name: str) -> None:
    data = os.urandom(100_000)
    request = httpx.Request(
        "POST",
        "http://hub.example/",
        data={"comment": "a field"},
        files=[("crashlog", (name, data, "application/gzip")), ("crashlog", ("second", b"2"))],
    )
    form = await receive(store, request.read(), content_type=request.headers["content-type"])
    first, second = form.files
    assert first.name == name.rpartition("\\")[2]
    assert (first.field, first.media_type, await content(store, first)) == (
        "crashlog",
        "application/gzip",
        data,
    )
    assert (second.name, await content(store, second)) == ("second", b"2")


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        ("filename=plain.txt", "plain.txt"),
        ("filename=two words.txt", "two words.txt"),
        ("FileName = spaced.txt", "spaced.txt"),
        ('filename="semi;colon=1.txt"', "semi;colon=1.txt"),
        ('filename="%22quoted%22.txt"', '"quoted".txt'),
        ('filename="../../etc/passwd"', "passwd"),
        (r'filename="C:\Users\ann\new.log"', "new.log"),
        ('filename="nul\x00l.txt"', "null.txt"),
        ("filename*=UTF-8''%e2%82%ac%20rates.txt", "€ rates.txt"),
        ("filename=\"EURO.txt\"; filename*=utf-8'en'%e2%82%ac.txt", "€.txt"),
        ("filename*=iso-8859-1''gr%F6sse.txt; filename=groesse.txt", "grösse.txt"),
        ("filename=plain.txt; filename*=UTF-8''%ff", "plain.txt"),
        ("filename=plain.txt; filename*=utf-7''a", "plain.txt"),
        ("filename*=UTF-8''..%2F..%2Fetc%2Fpasswd", "passwd"),
        ('x="; filename=no.txt"; filename=yes.txt', "yes.txt"),
        ('filename=".."', "file"),
    ],
)
async def test_makes_out_the_name_of_a_file(store: blobs.BlobStore, disposition: str, name: str) -> None:
    form = await receive(store, body(part(b"x", f'name="log"; {disposition}')))
    assert form.files[0].name == name


@pytest.mark.parametrize(
    "sent_type", ["Content-Type: nonsense", "Content-Type: text/\x01", "X-Other: text/plain"]
)
async def test_calls_a_file_bytes_when_its_media_type_is_no_use(
    store: blobs.BlobStore, sent_type: str
) -> None:
    form = await receive(store, body(part(b"x", 'name="log"; filename="x"', sent_type)))
    assert form.files[0].media_type == "application/octet-stream"


async def test_knows_a_body_again_under_another_boundary(store: blobs.BlobStore) -> None:
    parts = (part(b"same"), part(b"field", 'name="comment"'))
    first = await receive(store, body(*parts))
    other = "----=_Part_3_19.1732"
    quoted = f'multipart/form-data; charset=utf-8; boundary="{other}"'
    bare = f"Multipart/Form-Data;Boundary={other}"
    for content_type in (quoted, bare):
        again = await receive(store, body(*parts, boundary=other), content_type=content_type)
        assert again.fingerprint == first.fingerprint


async def test_knows_different_bodies_apart(store: blobs.BlobStore) -> None:
    bodies = [
        body(part(b"same")),
        body(part(b"Same")),
        body(part(b"same", 'name="log"; filename="other.log"')),
        body(part(b"same", 'name="lo"; filename="gcrash.log"')),
        body(part(b"same"), part(b"same")),
        body(part(b"same"), part(b"field", 'name="comment"')),
        body(part(b"field", 'name="comment"'), part(b"same")),
    ]
    fingerprints = [(await receive(store, one)).fingerprint for one in bodies]
    assert len(set(fingerprints)) == len(bodies)


async def test_forgets_the_files_when_their_rows_could_not_be_written(
    store: blobs.BlobStore, tmp_path: Path
) -> None:
    form = await receive(store, body(part(b"1"), part(b"2")))
    await form.discard(store)
    assert left(tmp_path) == []


async def test_passes_over_a_little_before_and_after_the_parts(store: blobs.BlobStore) -> None:
    form = await receive(store, b"This is a MIME message.\r\n", body(part(b"x")), b"and so on")
    assert await content(store, form.files[0]) == b"x"


def test_counts_twice_the_limit_and_some_wrapping_as_a_whole_request() -> None:
    assert not multipart.announced_too_large(None, 1000)
    assert not multipart.announced_too_large(2000 + 1024 * 1024, 1000)
    assert multipart.announced_too_large(2001 + 1024 * 1024, 1000)
