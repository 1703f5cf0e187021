"""A hub whose files are in a bucket: uploaded, read back, refused while the bucket is away, taken again after that."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.support import buckets
from tests.support import hub as hubs
from tests.support.hub import CREATE, KEY

LOG = os.urandom(20 * 1024 * 1024 + 3)
BUCKET = "feedback-of-acme"


@pytest.fixture
def server() -> Iterator[buckets.Server]:
    """One that may fail."""
    with buckets.running() as server:
        server.make_bucket(BUCKET)
        yield server


@pytest.fixture
def hub(database_url: str, server: buckets.Server, tmp_path: Path) -> Iterator[hubs.Hub]:
    with hubs.running(
        tmp_path / "log",
        "--database-url",
        database_url,
        options=("--files", f"s3://{BUCKET}/hub", "--data", str(tmp_path / "data")),
        environment=server.environment,
    ) as hub:
        hub.apply()
        yield hub


def upload(http: httpx.Client, ticket: dict[str, Any], content: bytes) -> httpx.Response:
    path = "/api/v1/" + ticket["fileElements"][0]["url"].partition("/api/v1/")[2]
    return http.post(path, params={"apiKey": KEY}, files={"file": ("crash.log", content, "text/plain")})


def post(http: httpx.Client) -> dict[str, Any]:
    answer = http.post(CREATE, params={"apiKey": KEY}, json={"title": "x"})
    assert answer.status_code == 201
    ticket: dict[str, Any] = answer.json()
    return ticket


def test_keeps_files_in_a_bucket(hub: hubs.Hub, server: buckets.Server, tmp_path: Path) -> None:
    with hub.client() as http:
        ticket = post(http)
        assert upload(http, ticket, LOG).status_code == 201
        (key,) = server.objects(BUCKET)
        assert key.startswith("hub/")
        assert not (tmp_path / "data" / "files").exists()
        (file,) = http.get(f"/hub/v1/tickets/{ticket['id']}", headers=hub.reader()).json()["files"]
        path = f"/hub/v1/files/{file['id']}"
        assert http.get(path, headers=hub.reader()).content == LOG
        part = http.get(path, headers=hub.reader() | {"Range": "bytes=9000000-9000099"})
        assert (part.status_code, part.content) == (206, LOG[9_000_000:9_000_100])

        server.kill()
        for answer in (
            upload(http, ticket, LOG),
            upload(http, ticket, b"x"),
            http.get(path, headers=hub.reader()),
        ):
            assert answer.status_code == 503
            assert int(answer.headers["Retry-After"]) > 0
        other = post(http)  # what needs no file goes on

        with buckets.running(server.port) as back:
            back.make_bucket(BUCKET)
            assert upload(http, other, LOG).status_code == 201
            assert len(back.objects(BUCKET)) == 1
            assert back.unfinished(BUCKET) == []
    assert hub.stop() == 0
    assert buckets.SECRET not in hub.log.read_text(encoding="utf-8")
