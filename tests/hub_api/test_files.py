"""`/hub/v1/files/{id}` from outside (contract: hub-api.md; RFC 9110)."""

from __future__ import annotations

import hashlib
import re
import socket
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.support import hub as hubs
from tests.support import serving
from tests.support.hub import CREATE, KEY

from tellback.hub_api import files_api

CONTENT = bytes(range(256)) * 40
TAG = f'"{hashlib.sha256(CONTENT).hexdigest()}"'


def attach(http: httpx.Client, content: bytes, name: str, media_type: str = "text/html") -> int:
    """A ticket with a file; its number."""
    ticket = http.post(CREATE, params={"apiKey": KEY}, json={"title": "x"}).json()
    path = "/api/v1/" + ticket["fileElements"][0]["url"].partition("/api/v1/")[2]
    answer = http.post(path, params={"apiKey": KEY}, files={"file": (name, content, media_type)})
    assert answer.status_code == 201, answer.text
    number: int = ticket["id"]
    return number


def file_of(http: httpx.Client, hub: hubs.Hub, ticket: int) -> dict[str, Any]:
    document = http.get(f"/hub/v1/tickets/{ticket}", headers=hub.reader()).json()
    file: dict[str, Any] = document["files"][0]
    return file


@pytest.fixture(scope="module")
def path(http: httpx.Client, hub: hubs.Hub) -> str:
    return f"/hub/v1/files/{file_of(http, hub, attach(http, CONTENT, 'Übersicht “1”.html'))['id']}"


def get(http: httpx.Client, hub: hubs.Hub, path: str, **headers: str) -> httpx.Response:
    return http.get(
        path, headers=hub.reader() | {name.replace("_", "-"): value for name, value in headers.items()}
    )


def test_gives_the_bytes_to_be_saved(http: httpx.Client, hub: hubs.Hub, path: str) -> None:
    answer = get(http, hub, path)
    assert (answer.status_code, answer.content) == (200, CONTENT)
    assert answer.headers["Content-Type"] == "text/html"
    assert answer.headers["Content-Disposition"] == (
        "attachment; filename=\"_bersicht _1_.html\"; filename*=UTF-8''%C3%9Cbersicht%20%E2%80%9C1%E2%80%9D.html"
    )
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"] == "sandbox"
    assert answer.headers["Content-Length"] == str(len(CONTENT))
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert answer.headers["ETag"] == TAG


@pytest.mark.parametrize(
    ("asked", "first", "end"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=100-199", 100, 200),
        ("bytes=10000-", 10000, 10240),
        ("bytes=-1", 10239, 10240),
        ("bytes=-99999", 0, 10240),
        ("bytes=10239-99999999", 10239, 10240),
        ("BYTES = 5-9", 5, 10),
    ],
)
def test_gives_one_range(
    http: httpx.Client, hub: hubs.Hub, path: str, asked: str, first: int, end: int
) -> None:
    answer = get(http, hub, path, Range=asked)
    assert (answer.status_code, answer.content) == (206, CONTENT[first:end])
    assert answer.headers["Content-Range"] == f"bytes {first}-{end - 1}/{len(CONTENT)}"
    assert answer.headers["Content-Length"] == str(end - first)
    assert answer.headers["ETag"] == TAG


@pytest.mark.parametrize(
    "asked",
    ["bytes=0-1,5-6", "bytes=9-5", "bytes=", "bytes=-", "bytes=x-", "lines=1-2", "0-5", "bytes=1-2-3", ""],
)
def test_gives_all_of_it_where_it_does_not_follow_the_range(
    http: httpx.Client, hub: hubs.Hub, path: str, asked: str
) -> None:
    answer = get(http, hub, path, Range=asked)
    assert (answer.status_code, answer.content) == (200, CONTENT)


@pytest.mark.parametrize("asked", ["bytes=10240-", "bytes=99999-100000", "bytes=-0"])
def test_says_where_the_end_is(http: httpx.Client, hub: hubs.Hub, path: str, asked: str) -> None:
    answer = get(http, hub, path, Range=asked)
    assert answer.status_code == 416
    assert answer.headers["Content-Range"] == f"bytes */{len(CONTENT)}"
    assert answer.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"If_None_Match": TAG}, 304),
        ({"If_None_Match": f'"other", W/{TAG}'}, 304),
        ({"If_None_Match": "*"}, 304),
        ({"If_None_Match": '"other"'}, 200),
        ({"If_None_Match": TAG, "Range": "bytes=0-1"}, 304),
        ({"If_Match": TAG}, 200),
        ({"If_Match": "*"}, 200),
        ({"If_Match": f"W/{TAG}"}, 412),
        ({"If_Match": '"other"'}, 412),
        ({"If_Range": TAG, "Range": "bytes=0-1"}, 206),
        ({"If_Range": f"W/{TAG}", "Range": "bytes=0-1"}, 200),
        ({"If_Range": '"other"', "Range": "bytes=0-1"}, 200),
        ({"If_Range": '"other"', "Range": "bytes=99999-"}, 200),
        ({"If_Range": "Sat, 21 Nov 2026 20:22:07 GMT", "Range": "bytes=0-1"}, 200),
    ],
)
def test_heeds_conditions(
    http: httpx.Client, hub: hubs.Hub, path: str, headers: dict[str, str], status: int
) -> None:
    answer = get(http, hub, path, **headers)
    assert answer.status_code == status
    if status == 304:
        assert answer.content == b""
        assert answer.headers["ETag"] == TAG


def test_answers_head_without_the_bytes(http: httpx.Client, hub: hubs.Hub, path: str) -> None:
    answer = http.head(path, headers=hub.reader() | {"Range": "bytes=0-1"})
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["Content-Length"] == str(len(CONTENT))


def test_gives_an_empty_file(http: httpx.Client, hub: hubs.Hub) -> None:
    file = file_of(http, hub, attach(http, b"", "empty.log"))
    answer = get(http, hub, f"/hub/v1/files/{file['id']}")
    assert (answer.status_code, answer.content) == (200, b"")


@pytest.mark.parametrize("media_type", ["no type", "text/plain\u00e9", "a/b\tc", ""])
def test_says_nothing_of_a_type_that_is_none(media_type: str) -> None:
    assert not files_api._MEDIA_TYPE.fullmatch(media_type)


@pytest.mark.parametrize("file", ["0", "999999999", "x", "-1", "99999999999999999999", "%00", "1%2F2"])
def test_finds_no_file_that_is_none(http: httpx.Client, hub: hubs.Hub, file: str) -> None:
    answer = get(http, hub, f"/hub/v1/files/{file}")
    assert answer.status_code == 404
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_refuses_who_may_not_read(http: httpx.Client, hub: hubs.Hub, path: str) -> None:
    assert http.get(path).status_code == 401
    other = {"Authorization": f"Bearer {hub.secrets['access_tokens']['reports']}"}
    assert http.get(path, headers=other).status_code == 403


def test_keeps_files_of_another_workspace_to_itself(
    http: httpx.Client, hub: hubs.Hub, path: str, tmp_path: Path
) -> None:
    made = hubs.Hub(hub.place, hub.port, hub.process, hub.log)
    neighbour = tmp_path / "neighbour.yaml"
    neighbour.write_text(
        "workspace: {slug: neighbour, name: Neighbour}\naccess_tokens: [{key: reader, claims: [hub_read]}]\n"
    )
    made.apply(neighbour)
    assert http.get(path, headers=made.reader()).status_code == 404


def test_streams_a_large_file_and_forgets_who_went_away(http: httpx.Client, hub: hubs.Hub) -> None:
    """Readers that take a little and wait hold no more of the file than what is under way."""
    size = 96 * 1024 * 1024
    piece = bytes(1024) + hashlib.sha256(b"x").digest() * 32
    file = file_of(
        http, hub, attach(http, piece * (size // len(piece)), "large.bin", "application/octet-stream")
    )
    (worker,) = serving.children(hub.process.pid)[-1:]
    before, descriptors = resident(worker), open_files(worker)
    readers = []
    for _ in range(4):
        reader = socket.create_connection(("127.0.0.1", hub.port), 10)
        reader.sendall(
            f"GET /hub/v1/files/{file['id']} HTTP/1.1\r\nHost: hub\r\n"
            f"Authorization: {hub.reader()['Authorization']}\r\n\r\n".encode()
        )
        assert reader.recv(4096).startswith(b"HTTP/1.1 200")
        readers.append(reader)
    time.sleep(0.5)
    assert resident(worker) - before < 64 * 1024 * 1024
    for reader in readers:
        reader.close()
    serving.until(lambda: open_files(worker) <= descriptors)
    digest = hashlib.sha256()
    with http.stream("GET", f"/hub/v1/files/{file['id']}", headers=hub.reader()) as answer:
        for chunk in answer.iter_bytes():
            digest.update(chunk)
    assert digest.hexdigest() == file["sha256"]


def resident(process: int) -> int:
    """Bytes of memory a process holds."""
    (kib,) = re.findall(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{process}/status").read_text())
    return int(kib) * 1024


def open_files(process: int) -> int:
    """How many regular files of the store a process has open."""
    links = Path(f"/proc/{process}/fd").iterdir()
    return sum(1 for link in links if re.search(r"/files/[0-9a-f]{2}/", _target(link)))


def _target(link: Path) -> str:
    try:
        return str(link.readlink())
    except FileNotFoundError:
        return ""
