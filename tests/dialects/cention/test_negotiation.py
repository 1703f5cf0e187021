"""Content negotiation, methods and paths (JSON:API 1.1, "Content Negotiation"; contract, "Negotiation")."""

from __future__ import annotations

import json
import socket

import httpx
import pytest
from tests.support import jsonapi
from tests.support.desk import C, Desk

TYPE = jsonapi.MEDIA_TYPE
LIST = "c3_dirty_errand_list"


@pytest.mark.parametrize(
    "accept",
    [
        TYPE,
        "*/*",
        "application/*",
        "text/html, */*;q=0.1",
        f"{TYPE}; q=0.5",
        f'{TYPE}; profile="https://example.com/profile"',
        f"text/html, {TYPE}; charset=utf-8, {TYPE}",
        f'{TYPE}; ext="https://example.com/a,b", {TYPE};profile="x y"',
        TYPE.upper(),
        "",
    ],
)
def test_answers_whoever_takes_its_type(desk: Desk, accept: str) -> None:
    desk.get(LIST, headers={"Accept": accept})


def test_answers_who_names_no_type(desk: Desk) -> None:
    del (headers := desk.headers())["Accept"]
    request = httpx.Request("GET", f"{desk.hub.url}{C}/{LIST}", headers=headers)
    assert "accept" not in request.headers
    assert desk.http.send(request).status_code == 200


@pytest.mark.parametrize(
    "accept",
    [
        "application/json",
        "text/html, application/xml;q=0.9",
        f"{TYPE}; charset=utf-8",
        f"{TYPE}; charset=utf-8, */*",
        f'{TYPE}; ext="https://jsonapi.org/ext/atomic"',
        f'{TYPE}; ext="x", {TYPE}; charset=utf-8',
        f'{TYPE}; profile="x"; ext="y"',
        f"{TYPE}; q=0",
        "*/*; q=0",
        "nonsense",
    ],
)
def test_refuses_whoever_does_not(desk: Desk, accept: str) -> None:
    said = desk.get(LIST, 406, headers={"Accept": accept})
    assert said["errors"][0]["source"] == {"header": "Accept"}


def test_looks_at_every_accept_header(desk: Desk) -> None:
    headers = [*desk.headers().items(), ("Accept", "text/html")]
    headers = [(name, f"{TYPE}; charset=utf-8" if value == TYPE else value) for name, value in headers]
    assert desk.http.get(f"{C}/{LIST}", headers=headers).status_code == 406
    assert desk.http.get(f"{C}/{LIST}", headers=[*headers, ("Accept", TYPE)]).status_code == 200


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        (TYPE, 201),
        (f'{TYPE}; profile="https://example.com/p"', 201),
        (TYPE.upper(), 201),
        ("application/json", 415),
        (f"{TYPE}; charset=utf-8", 415),
        (f'{TYPE}; ext="https://jsonapi.org/ext/atomic"', 415),
        (f'{TYPE}; profile="p"; ext="e"', 415),
        ("", 415),
        ("text/plain", 415),
    ],
)
def test_takes_bodies_of_its_type_alone(desk: Desk, content_type: str, status: int) -> None:
    errand = desk.file()
    desk.post([errand], status, headers={"Content-Type": content_type})


def test_asks_for_no_type_where_there_is_no_body(desk: Desk) -> None:
    for given in ("application/json", TYPE, "text/plain"):
        desk.get(LIST, headers={"Content-Type": given})
    desk.get(LIST, 415, headers={"Content-Type": f"{TYPE}; charset=utf-8"})


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("POST", "c3_errand_reports/1", "GET, HEAD"),
        ("DELETE", "c3_errand_reports/1", "GET, HEAD"),
        ("PATCH", "c3_dirty_errand_list", "GET, HEAD, POST"),
        ("PUT", "c3_dirty_errand_list/0", "GET, HEAD"),
        ("POST", "c3_dirty_errand_list/0", "GET, HEAD"),
        ("POST", "c3_dirty_facebook_ratings", "GET, HEAD"),
        ("DELETE", "c3_facebook_ratings/1", "GET, HEAD"),
        ("OPTIONS", "c3_dirty_errand_list", "GET, HEAD, POST"),
    ],
)
def test_allows_what_it_says_it_allows(desk: Desk, method: str, path: str, allow: str) -> None:
    assert desk.call(method, path, 405).headers["allow"] == allow


@pytest.mark.parametrize(
    "path",
    [
        C,
        f"{C}/",
        f"{C}/c3_errands/1",
        f"{C}/c3_errand_reports",
        f"{C}/c3_errand_reports/1/2",
        f"{C}/errand/complete/1",
    ],
)
def test_has_nothing_at_other_paths_in_its_own_words(anyone: httpx.Client, path: str) -> None:
    answer = anyone.get(path)
    assert answer.status_code == 404
    jsonapi.check(answer)


def test_speaks_for_nothing_but_its_own_paths(anyone: httpx.Client) -> None:
    for path in ("/s", "/s/demo", "/s/demo/capi", "/s/demo/capi/jsonp", "/s/demo/other/json"):
        answer = anyone.get(path)
        assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[1,",
        b'{"data": NaN}',
        b"\xef\xbb\xbf{}",
        b'{"a": "\\ud800"}',
        b'{"a": "\\u0000"}',
        b"[" * 65,
        b"[]",
    ],
)
def test_refuses_what_is_no_json_object(desk: Desk, body: bytes) -> None:
    # An empty body is none, so its type is not looked at; JSON is due all the same.
    headers = {"Content-Type": TYPE, "Content-Length": str(len(body))}
    desk.call("POST", LIST, 400, content=body, headers=headers)


def test_refuses_bodies_over_the_limit_and_encoded_ones(desk: Desk) -> None:
    desk.call("POST", LIST, 413, content=b" " * (1024 * 1024 + 1), headers={"Content-Type": TYPE})
    desk.post([1], 415, headers={"Content-Encoding": "gzip"})


def test_marks_nothing_by_a_body_cut_short(desk: Desk) -> None:
    errand = desk.file()
    desk.report(errand)
    body = json.dumps({"data": {"type": LIST, "attributes": {"errands": [errand]}}}).encode()
    lines = [
        f"POST {C}/{LIST} HTTP/1.1",
        "Host: hub",
        f"Content-Type: {TYPE}",
        f"Content-Length: {len(body) + 1}",
    ]
    lines.append(f"Authorization: {desk.headers()['Authorization']}")
    with socket.create_connection(("127.0.0.1", desk.hub.port), 5) as connection:
        connection.sendall("\r\n".join([*lines, "", ""]).encode() + body)
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(4096):
            pass
    assert errand not in desk.dirty()


def test_says_who_it_is_and_lets_nobody_keep_an_answer(desk: Desk) -> None:
    answer = desk.call("GET", LIST)
    assert answer.headers["content-type"] == TYPE
    assert (answer.headers["vary"], answer.headers["cache-control"]) == ("Accept", "no-store")
    assert answer.headers["x-request-id"]
    assert answer.json()["jsonapi"] == {"version": "1.1"}
