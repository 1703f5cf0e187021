"""Files for a ticket (docs/dialects/centercode.md; seed 000, "Send files to feedback tickets")."""

from __future__ import annotations

import hashlib
import os
import socket
import uuid
from typing import Any

import httpx
import pytest
from tests.support import hub as hubs
from tests.support.hub import CREATE, KEY, WEB_KEY

NOT_FOUND = {"status": 404, "description": "The requested resource could not be found."}


@pytest.fixture
def ticket(http: httpx.Client) -> dict[str, Any]:
    created: dict[str, Any] = http.post(CREATE, params={"apiKey": KEY}, json={"title": "With a log"}).json()
    return created


def address(ticket: dict[str, Any], form: str = "url") -> str:
    full: str = ticket["fileElements"][0][form]
    return "/api/v1/" + full.partition("/api/v1/")[2]


def upload(
    http: httpx.Client, path: str, *names: str, key: str = KEY, content: bytes = b"log"
) -> httpx.Response:
    files = [("file", (name, content, "text/plain")) for name in names]
    return http.post(path, params={"apiKey": key}, files=files)


def files_of(http: httpx.Client, ticket: dict[str, Any]) -> list[dict[str, Any]]:
    files: list[dict[str, Any]] = http.get(f"{CREATE}/{ticket['id']}", params={"apiKey": KEY}).json()["files"]
    return files


def test_tells_of_one_source_by_one_name(http: httpx.Client, hub: hubs.Hub, ticket: dict[str, Any]) -> None:
    assert upload(http, address(ticket), "crash.log").status_code == 201
    shown = http.get(f"/hub/v1/tickets/{ticket['id']}", headers=hub.reader()).json()
    created, added = shown["timeline"]
    assert (created["kind"], added["actor"]) == ("created", created["actor"])


@pytest.mark.parametrize("form", ["url", "endpoint"])
def test_takes_a_file_at_both_addresses(http: httpx.Client, ticket: dict[str, Any], form: str) -> None:
    content = os.urandom(300_000)
    answer = upload(http, address(ticket, form), "crash.log", content=content)
    assert answer.status_code == 201
    file = answer.json()[0]
    assert {name: file[name] for name in ("name", "size", "sha256")} == {
        "name": "crash.log",
        "size": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    assert files_of(http, ticket) == [{**file, "parameter": "crashlog"}]


def test_takes_the_address_as_the_seed_prints_it(http: httpx.Client, ticket: dict[str, Any]) -> None:
    answer = http.post(f"{address(ticket)}apiKey={KEY}", files={"file": ("a.log", b"x")})
    assert answer.status_code == 201
    assert http.post(f"{address(ticket)}apiKey=wrong", files={"file": ("a.log", b"x")}).status_code == 401


def test_finds_the_ticket_by_display_id(http: httpx.Client, ticket: dict[str, Any]) -> None:
    path = address(ticket, "endpoint").replace(f"/{ticket['id']}/", f"/{ticket['feedbackId']}/")
    assert upload(http, path, "a.log").status_code == 201


def test_adds_several_files_in_several_calls(http: httpx.Client, ticket: dict[str, Any]) -> None:
    assert [file["name"] for file in upload(http, address(ticket), "a.log", "b.log").json()] == [
        "a.log",
        "b.log",
    ]
    assert upload(http, address(ticket), "c.log").status_code == 201
    assert [file["name"] for file in files_of(http, ticket)] == ["a.log", "b.log", "c.log"]


@pytest.mark.parametrize(
    ("path", "key", "status"),
    [
        ("/api/v1/projects/beta/feedbackTypes/app/{id}/fileElements/nope", KEY, 404),
        ("/api/v1/projects/beta/feedbackTypes/app/{id}/fileElements/title", KEY, 404),
        ("/api/v1/projects/beta/feedbackTypes/ideas/{id}/fileElements/sketch", KEY, 404),
        ("/api/v1/projects/beta/feedbackTypes/app/999999/fileElements/crashlog", KEY, 404),
        ("/api/v1/projects/beta/feedbackTypes/nope/{id}/fileElements/crashlog", KEY, 404),
        ("/api/v1/feedbackTypes/app/999999/fileElements/crashlog", KEY, 404),
        ("/api/v1/feedbackTypes/app/{id}/fileElements/crashlog", "wrong", 401),
        ("/api/v1/feedbackTypes/app/{id}/fileElements/crashlog", WEB_KEY, 403),
    ],
)
def test_refuses_a_wrong_address(
    http: httpx.Client, ticket: dict[str, Any], path: str, key: str, status: int
) -> None:
    answer = upload(http, path.format(id=ticket["id"]), "a.log", key=key)
    assert answer.status_code == status
    if status == 404:
        assert answer.json() == NOT_FOUND
    assert files_of(http, ticket) == []


def test_takes_multipart_by_post_alone(http: httpx.Client, ticket: dict[str, Any]) -> None:
    path, params = address(ticket), {"apiKey": KEY}
    assert http.put(path, params=params, files={"f": ("a", b"x")}).status_code == 405
    assert http.get(path, params=params).headers["Allow"] == "POST"
    assert (
        http.post(path, params=params, content=b"x", headers={"Content-Type": "text/plain"}).status_code
        == 415
    )
    assert http.post(path, params=params, json={}).status_code == 415


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--b\r\nContent-Disposition: form-data; name=f; filename=a\r\n\r\nx",
        b"--b\r\nContent-Disposition: form-data; name=f; filename=a\r\n\r\nx\r\n--b",
        b'--b\r\nContent-Disposition: form-data; name="f"\r\n\r\nno file\r\n--b--\r\n',
        b'--b\r\nContent-Disposition: form-data; name="f"; filename="a"\r\nX: '
        + b"y" * 20_000
        + b"\r\n\r\nx\r\n--b--\r\n",
        b'--b\r\nContent-Disposition: form-data; name="f"; filename="a"\r\n\r\nx\r\n' * 101 + b"--b--\r\n",
    ],
    ids=["empty", "no terminator", "half a terminator", "no file", "headers too long", "too many parts"],
)
def test_refuses_a_broken_body_whole(http: httpx.Client, ticket: dict[str, Any], body: bytes) -> None:
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    answer = http.post(address(ticket), params={"apiKey": KEY}, content=body, headers=headers)
    assert answer.status_code == 400
    assert answer.json()["status"] == 400
    assert files_of(http, ticket) == []


def test_needs_a_boundary(http: httpx.Client, ticket: dict[str, Any]) -> None:
    headers = {"Content-Type": "multipart/form-data"}
    answer = http.post(address(ticket), params={"apiKey": KEY}, content=b"x", headers=headers)
    assert answer.status_code == 400


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        ('filename="../../etc/passwd"', "passwd"),
        ('filename="C:\\\\temp\\\\a.log"', "a.log"),
        ("filename=\"x.log\"; filename*=UTF-8''na%C3%AFve%20file.log", "naïve file.log"),
        ('filename="a\tb.log"', "ab.log"),
    ],
)
def test_cleans_the_senders_name(
    http: httpx.Client, ticket: dict[str, Any], disposition: str, name: str
) -> None:
    body = f'--b\r\nContent-Disposition: form-data; name="f"; {disposition}\r\n\r\nx\r\n--b--\r\n'.encode()
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    answer = http.post(address(ticket), params={"apiKey": KEY}, content=body, headers=headers)
    assert answer.status_code == 201
    assert answer.json()[0]["name"] == name


def test_sees_the_same_body_in_a_repeat_with_another_boundary(
    http: httpx.Client, ticket: dict[str, Any]
) -> None:
    headers = {"Idempotency-Key": str(uuid.uuid4())}
    options: dict[str, Any] = {"params": {"apiKey": KEY}, "headers": headers}
    first = http.post(address(ticket), files={"f": ("a.log", b"x")}, **options)
    again = http.post(address(ticket), files={"f": ("a.log", b"x")}, **options)
    other = http.post(address(ticket), files={"f": ("a.log", b"y")}, **options)
    assert first.content == again.content
    assert (first.status_code, again.status_code, other.status_code) == (201, 201, 422)
    assert len(files_of(http, ticket)) == 1


def test_keeps_nothing_of_an_upload_that_breaks_off(
    http: httpx.Client, hub: hubs.Hub, ticket: dict[str, Any]
) -> None:
    head = (
        f"POST {address(ticket)}?apiKey={KEY} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n"
        "Content-Type: multipart/form-data; boundary=b\r\n\r\n"
        '--b\r\nContent-Disposition: form-data; name="f"; filename="a.log"\r\n\r\n'
    )
    with socket.create_connection(("127.0.0.1", hub.port)) as connection:
        connection.sendall(head.encode() + b"x" * 300_000)
    assert files_of(http, ticket) == []
    assert upload(http, address(ticket), "a.log").status_code == 201


def test_shows_files_and_timeline_in_the_hubs_api(
    http: httpx.Client, hub: hubs.Hub, ticket: dict[str, Any]
) -> None:
    upload(http, address(ticket), "crash.log")
    document = http.get(f"/hub/v1/tickets/{ticket['feedbackId']}", headers=hub.reader()).json()
    assert [file["name"] for file in document["files"]] == ["crash.log"]
    assert [item["kind"] for item in document["timeline"]] == ["created", "file_added"]
    assert "crash.log" in document["timeline"][1]["note"]


def test_takes_a_file_at_a_source_named_with_a_slash(http: httpx.Client) -> None:
    source = "iOS%20%2F%20Android"
    created = http.post(
        f"/api/v1/projects/beta/feedback/{source}", params={"apiKey": KEY}, json={"idea": "x"}
    )
    path = f"/api/v1/projects/beta/feedbackTypes/{source}/{created.json()['id']}/fileElements/photo"
    assert upload(http, path, "a.png").status_code == 201
    assert http.post(f"{path}apiKey={KEY}", files={"file": ("a.png", b"x")}).status_code == 201
