"""HTTP as bytes on a socket, against the real server: what breaks other servers, and what a careless client sends.

Sources: RFC 9112 sections 2.2, 5.1, 5.2, 6.3 and 7.1; the requests are those that request smuggling is made of.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support import serving

HEAD = b"POST /v/first HTTP/1.1\r\nHost: hub.example\r\n"
SECOND = b"POST /v/second HTTP/1.1\r\nHost: hub.example\r\nContent-Length: 0\r\n\r\n"

BROKEN = {
    "Content-Length before Transfer-Encoding": HEAD
    + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "Transfer-Encoding before Content-Length": HEAD
    + b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
    "two Content-Lengths": HEAD + b"Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcde",
    "a list of Content-Lengths": HEAD + b"Content-Length: 4, 5\r\n\r\nabcde",
    "a signed Content-Length": HEAD + b"Content-Length: +4\r\n\r\nabcd",
    "an unknown Transfer-Encoding": HEAD + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "chunked that is not last": HEAD + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "two Transfer-Encodings": HEAD
    + b"Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a space before the colon": HEAD + b"Content-Length : 4\r\n\r\nabcd",
    "NUL in a value": HEAD + b"X-A: a\0b\r\nContent-Length: 0\r\n\r\n",
    "a bare CR in a value": HEAD + b"X-A: a\rb\r\nContent-Length: 0\r\n\r\n",
    "a folded header": HEAD + b"X-A: a\r\n b\r\nContent-Length: 0\r\n\r\n",
    "no Host": b"POST /v/first HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
    "two Hosts": HEAD + b"Host: other.example\r\nContent-Length: 0\r\n\r\n",
    "a Host that is none": b"POST /v/first HTTP/1.1\r\nHost: a/b@c\r\nContent-Length: 0\r\n\r\n",
    "a chunk size that overflows": HEAD
    + b"Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\nabc\r\n0\r\n\r\n",
    "a chunk size that is no number": HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n",
    "a negative chunk size": HEAD + b"Transfer-Encoding: chunked\r\n\r\n-1\r\nabc\r\n0\r\n\r\n",
    "a chunk size ended by a bare LF": HEAD + b"Transfer-Encoding: chunked\r\n\r\n3\nabc\r\n0\r\n\r\n",
    "a chunk longer than its size": HEAD + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabcXX0\r\n\r\n",
    "a 70 KB header": HEAD + b"X-A: " + b"a" * 70_000 + b"\r\nContent-Length: 0\r\n\r\n",
    "a 200 KB header": HEAD + b"X-A: " + b"a" * 200_000 + b"\r\nContent-Length: 0\r\n\r\n",
    "500 headers": HEAD
    + b"".join(b"X-%d: a\r\n" % number for number in range(500))
    + b"Content-Length: 0\r\n\r\n",
    "an HTTP/1.0 chunked body": b"POST /v/first HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
}

# Its length is the chunks', the connection ends with its answer: RFC 9112 section 6.3 allows this instead of 400.
SERVED_ONCE = ("Content-Length before Transfer-Encoding", "Transfer-Encoding before Content-Length")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[serving.Server]:
    with serving.serving(tmp_path_factory.mktemp("wire")) as server:
        yield server


def everything_after(server: serving.Server, sent: bytes) -> tuple[list[int], bytes]:
    """All statuses answered to `sent`, and all bytes, until the server closes. Fails if it does not."""
    got = b""
    with server.connect(5) as connection:
        try:
            connection.sendall(sent)
            while more := connection.recv(65536):
                got += more
        except ConnectionError:  # it closed with bytes of ours unread
            pass
    return [int(status) for status in re.findall(rb"^HTTP/1\.[01] (\d{3})", got, re.MULTILINE)], got


@pytest.mark.parametrize("case", BROKEN)
def test_serves_nothing_after_a_broken_request(server: serving.Server, case: str) -> None:
    before = len(server.effects())
    statuses, got = everything_after(server, BROKEN[case] + SECOND)
    effects = server.effects()[before:]
    if case in SERVED_ONCE:
        assert (statuses, effects) == ([200], ["POST /v/first 0"])
    else:
        assert len(statuses) <= 1
        assert all(status in (400, 431) for status in statuses)
        assert effects == []
    assert b"/v/second" not in got


@pytest.mark.parametrize(
    "case",
    ["no Host", "two Hosts", "a 70 KB header", "a chunk size that overflows", "two Transfer-Encodings"],
)
def test_refuses_in_the_words_of_the_surface(server: serving.Server, case: str) -> None:
    _, got = everything_after(server, BROKEN[case])
    assert b"vendor_says" in got


def test_takes_lines_ended_by_a_bare_lf_as_the_standard_allows(server: serving.Server) -> None:
    with server.connect() as connection:
        connection.sendall(b"POST /v/first HTTP/1.1\nHost: hub.example\nContent-Length: 0\n\n")
        assert serving.read_reply(connection).status == 200


def test_serves_many_requests_on_one_connection(server: serving.Server) -> None:
    with server.connect() as connection:
        for number in range(5):
            connection.sendall(serving.request(f"/v/{number}", b"abc"))
            assert serving.read_reply(connection).json()["size"] == 3


def test_reads_a_chunked_body(server: serving.Server) -> None:
    with server.connect() as connection:
        connection.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n2\r\nef\r\n0\r\n\r\n")
        assert serving.read_reply(connection).json()["size"] == 6


@pytest.mark.parametrize(
    "cut",
    [
        HEAD + b"Content-Length: 10\r\n\r\nabc",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nabc",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
    ],
    ids=["length", "in a chunk", "between chunks"],
)
@pytest.mark.parametrize("politely", [True, False])
def test_changes_nothing_for_a_body_cut_short(server: serving.Server, cut: bytes, politely: bool) -> None:
    before = len(server.effects())
    with server.connect() as connection:
        connection.sendall(cut)
        if politely:
            connection.shutdown(socket.SHUT_WR)
            assert serving.read_reply(connection).status in (0, 400)
    assert server.ask("/v/after").status == 200
    assert server.effects()[before:] == ["POST /v/after 0"]


def test_refuses_an_encoded_body(server: serving.Server) -> None:
    refused = server.ask(body=b"abcd", headers="Content-Encoding: gzip\r\n")
    assert (refused.status, list(refused.json())) == (415, ["vendor_says"])


def test_answers_head_without_a_body(server: serving.Server) -> None:
    with server.connect() as connection:
        connection.sendall(b"HEAD /v/x HTTP/1.1\r\nHost: hub.example\r\n\r\n" + SECOND)
        got = b""
        while got.count(b"\r\n\r\n") < 2:
            got += connection.recv(65536)
    assert got.count(b"HTTP/1.1 200") == 2
    assert got.split(b"\r\n\r\n")[1].startswith(b"HTTP/1.1 200")


def test_names_neither_the_server_nor_its_inside(server: serving.Server) -> None:
    broken = server.ask("/v/broken")
    assert broken.status == 500
    assert broken.headers["server"] == "tellback"
    assert b"hunter2" not in broken.body
    assert b"Traceback" not in broken.body


def test_ignores_forwarded_headers_of_strangers(server: serving.Server) -> None:
    told = server.ask(headers="X-Forwarded-For: 203.0.113.9\r\nX-Forwarded-Proto: https\r\n").json()["peer"]
    assert (told["address"], told["scheme"]) == ("127.0.0.1", "http")


def test_counts_over_all_workers(tmp_path: Path) -> None:
    with serving.serving(tmp_path, workers=2) as server:
        for _ in range(20):
            server.ask()
        wanted = 'tellback_http_requests_total{surface="vendor",method="POST",status="200"} 20'

        def counted() -> bool:
            with server.connect() as connection:
                connection.sendall(b"GET /metrics HTTP/1.1\r\nHost: h\r\n\r\n")
                return wanted in serving.read_reply(connection).body.decode()

        serving.until(counted)


def test_lets_more_clients_wait_idly_than_a_default_would(server: serving.Server) -> None:
    idle = [server.connect() for _ in range(300)]
    try:
        for connection in idle:
            connection.sendall(serving.request())
            assert serving.read_reply(connection).status == 200
        assert server.ask().status == 200
    finally:
        for connection in idle:
            connection.close()
