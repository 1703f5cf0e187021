"""Receivers that misbehave: each is told of in words, with a hint, and slows nobody else."""

from __future__ import annotations

import asyncio
import gzip
import resource
import socket
import ssl
import time
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest
from tests.support import receiver as receivers
from tests.support import tls
from tests.support.outbox import Outbox
from tests.support.receiver import Behaviour, Receiver

from tellback.core.deliveries import hints
from tellback.worker import delivery_call, egress

pytestmark = pytest.mark.anyio

ONCE = (0.0,)
HEAD = b"HTTP/1.1 200 OK\r\n"


@pytest.fixture(scope="module")
def shared() -> Iterator[Receiver]:
    with receivers.running() as running:
        yield running


@pytest.fixture
def receiver(shared: Receiver) -> Receiver:
    shared.calls.clear()
    shared.behaviours.clear()
    return shared


@pytest.fixture
def short_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Receivers that hang are given up on within a second, so that the test does not take twenty."""
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=0.5)
    monkeypatch.setattr(delivery_call, "_TIMEOUT", timeout)
    monkeypatch.setattr(delivery_call, "TOTAL_S", 1.0)


async def outcome(outbox: Outbox, url: str) -> dict[str, object]:
    """What the one attempt to call `url` came to."""
    destination = await outbox.destination(url)
    (delivery,) = await outbox.queue(destination, url)
    async with outbox.sending(ONCE):
        await outbox.until_settled()
    (attempt,) = await outbox.attempts(delivery)
    state = await outbox.value("select state from deliveries where id = $1", delivery)
    return {**attempt, "state": state}


@pytest.mark.parametrize(
    ("behaviour", "status", "error", "hint"),
    [
        (receivers.answer(500), 500, "answered 500", "log"),
        (receivers.answer(404), 404, "answered 404, Not Found", "path"),
        (receivers.answer(401), 401, "answered 401", "credentials"),
        (receivers.answer(418), 418, "answered 418", "refuses"),
        (receivers.answer(299 + 1), 300, "answered 300", "Redirects"),
        (receivers.answer(599), 599, "answered 599", "failed"),
        (receivers.raw(b"SSH-2.0-OpenSSH_9.6\r\n"), None, "not HTTP", "web server"),
        (receivers.raw(b""), None, "closed before", "crash"),
        (receivers.raw(HEAD + b"Content-Length: 100\r\n\r\nhalf"), None, "before its announced length", "Content-Length"),
        (
            receivers.raw(HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"),
            None, "before its announced length", "broke off",
        ),
        (receivers.raw(HEAD + b"Content-Length: 2, 3\r\n\r\nhalf"), None, "not HTTP", "web server"),
    ],
)  # fmt: skip
async def test_tells_what_went_wrong_and_what_to_do(
    outbox: Outbox, receiver: Receiver, behaviour: Behaviour, status: int | None, error: str, hint: str
) -> None:
    receiver.behave("/a", behaviour)
    came = await outcome(outbox, receiver.url("/a"))
    assert (came["state"], came["status"]) == ("failed", status)
    assert error in str(came["error"])
    assert hint in str(came["hint"])


async def test_follows_no_redirect(outbox: Outbox, receiver: Receiver) -> None:
    receiver.behave("/a", receivers.answer(301, b"", ("Location", receiver.url("/b"))))
    came = await outcome(outbox, receiver.url("/a"))
    assert (came["state"], came["status"]) == ("failed", 301)
    assert not receiver.at("/b")


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
async def test_takes_any_2xx_for_success(outbox: Outbox, receiver: Receiver, status: int) -> None:
    receiver.behave("/a", receivers.answer(status))
    came = await outcome(outbox, receiver.url("/a"))
    assert (came["state"], came["error"], came["hint"]) == ("delivered", None, None)


@pytest.mark.usefixtures("short_patience")
async def test_gives_up_on_one_that_hangs(outbox: Outbox, receiver: Receiver) -> None:
    receiver.behave("/a", receivers.hang)
    came = await outcome(outbox, receiver.url("/a"))
    assert "No complete answer" in str(came["error"])


@pytest.mark.alone
@pytest.mark.usefixtures("short_patience")
async def test_gives_up_on_one_that_drips(outbox: Outbox, receiver: Receiver) -> None:
    drip = receivers.raw(HEAD + b"Content-Length: 1000\r\n\r\n", *[b"."] * 1000, every=0.05)
    receiver.behave("/a", drip)
    began = time.monotonic()
    came = await outcome(outbox, receiver.url("/a"))
    assert "No complete answer" in str(came["error"])
    assert time.monotonic() - began < 5


async def test_reads_64_kib_of_a_body_without_end(outbox: Outbox, receiver: Receiver) -> None:
    head = HEAD + b"Content-Type: text/plain\r\nContent-Length: 10000000000\r\n\r\n"
    receiver.behave("/a", receivers.endless(b"x" * 65_536, head))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    came = await outcome(outbox, receiver.url("/a"))
    assert came["state"] == "delivered"
    assert str(came["response_body"]).endswith("(cut off after 64 KiB)")
    assert len(str(came["response_body"])) == 65_536
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20_000


async def test_unpacks_no_bomb(outbox: Outbox, receiver: Receiver) -> None:
    bomb = gzip.compress(b"0" * 30_000_000)
    receiver.behave("/a", receivers.answer(200, bomb, ("Content-Encoding", "gzip")))
    came = await outcome(outbox, receiver.url("/a"))
    assert came["state"] == "delivered"
    assert "packed with gzip, not unpacked" in str(came["response_body"])


async def test_stores_an_answer_that_no_column_can_hold(outbox: Outbox, receiver: Receiver) -> None:
    receiver.behave("/a", receivers.answer(200, b"\x00\xff\xed\xa0\x80 fine", ("X-Odd", "\xe4")))
    came = await outcome(outbox, receiver.url("/a"))
    assert came["state"] == "delivered"
    assert str(came["response_body"]).endswith(" fine")


async def test_tells_of_a_refused_port(outbox: Outbox) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        came = await outcome(outbox, f"http://127.0.0.1:{taken.getsockname()[1]}/")
    assert "refused" in str(came["error"])
    assert "port" in str(came["hint"])


async def test_tells_of_a_private_address_and_does_not_connect(outbox: Outbox) -> None:
    with socket.socket() as inside:
        inside.bind(("127.0.0.1", 0))
        inside.listen()
        inside.setblocking(False)
        url = f"http://127.0.0.1:{inside.getsockname()[1]}/"
        destination = await outbox.destination(url)
        (delivery,) = await outbox.queue(destination, url)
        async with outbox.sending(ONCE, connector=egress.connector()):
            await outbox.until_settled()
        with pytest.raises(BlockingIOError):
            inside.accept()
    (attempt,) = await outbox.attempts(delivery)
    words, hint = hints.FAULTS["forbidden"]
    assert (attempt["status"], attempt["hint"]) == (None, hint)
    assert words in attempt["error"]
    assert await outbox.value("select state from deliveries where id = $1", delivery) == "failed"


async def test_tells_of_a_name_that_does_not_resolve(outbox: Outbox) -> None:
    came = await outcome(outbox, "http://no-such-host.invalid/")
    assert "could not be resolved" in str(came["error"])


async def test_tells_of_a_bad_certificate(outbox: Outbox, tmp_path: Path) -> None:
    certificate, key = tls.self_signed(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with receivers.running(context) as secure:
        came = await outcome(outbox, secure.url("/"))
    assert "certificate" in str(came["error"])
    assert not secure.calls


async def test_tells_of_a_port_without_tls(outbox: Outbox, receiver: Receiver) -> None:
    came = await outcome(outbox, receiver.url("/").replace("http:", "https:"))
    assert "TLS" in str(came["error"])


async def test_tells_of_an_address_that_is_none(outbox: Outbox) -> None:
    came = await outcome(outbox, "http://[::1/")
    assert "cannot be called" in str(came["error"])


async def test_is_slowed_by_no_dead_neighbour(outbox: Outbox, receiver: Receiver) -> None:
    """Many destinations hang, one has a long queue, and the others get theirs at once."""
    receiver.behave("/dead", receivers.hang)
    for number in range(150):
        dead = await outbox.destination(receiver.url("/dead"), ordered=number % 5 > 0)
        await outbox.queue(dead, receiver.url("/dead"), 500 if number == 0 else 3)
    alive = [await outbox.destination(receiver.url(f"/alive{number}")) for number in range(10)]
    delays = []
    async with outbox.sending((0.0, 60.0), stop_s=0.1):
        await asyncio.to_thread(receiver.wait_for, 150)
        for round in range(10):
            sent = time.time()
            for number, destination in enumerate(alive):
                await outbox.queue(destination, receiver.url(f"/alive{number}"))
            for number in range(10):
                calls = await asyncio.to_thread(receiver.wait_for, round + 1, f"/alive{number}")
                delays.append(calls[round].at - sent)
    assert sorted(delays)[int(len(delays) * 0.95)] <= 2.0
