"""A closed-loop HTTP/1.1 load generator in a process of its own.

N keep-alive connections, each with one request on its way at any moment. Written on bare sockets and epoll
because the generator shares the machine's cores with what it measures: a full client library would cost more
than the server. The status of every answer is checked. Where what is sent depends on what was answered, the load
is a `Conversation`: each connection walks through it again and again.

The parent calls `run(Load(...))`; the child (`python -m bench.load`) reads the load and prints the outcome.
"""

from __future__ import annotations

import dataclasses
import json
import os
import random
import re
import select
import socket
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence

import msgspec

from bench import processes

DRAIN_S = 45.0
#: so many broken connections mean that the server is gone
MOST_BROKEN = 2000
_LENGTH = re.compile(rb"\r\n[Cc]ontent-[Ll]ength:[ \t]*([0-9]+)")
_CLOSING = re.compile(rb"\r\n[Cc]onnection:[ \t]*[Cc]lose")
_TOKEN = re.compile(rb'"sessionId": *"([^"]+)"')
#: Where the token goes in a reply: in its head, as the length of a body stands written before it.
HERE = b"@sessionId@"


@dataclasses.dataclass(frozen=True)
class Conversation:
    """Whole HTTP messages sent one after the other: one of `openings`, chosen at random, then every reply.

    `HERE` in a reply becomes the `sessionId` that the opening was answered with. A last answer without `ends` in it
    is a fault.
    """

    openings: Sequence[bytes]
    replies: Sequence[bytes]
    ends: bytes


@dataclasses.dataclass(frozen=True)
class Load:
    """On each connection one of `requests` (whole HTTP messages, chosen at random) at a time, or a conversation."""

    port: int
    requests: Sequence[bytes]
    connections: int
    seconds: float
    warm_up: float = 1.0
    expect: int = 201
    conversation: Conversation | None = None


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What came back inside the measured seconds. Times in milliseconds.

    Of conversations, `rate` and `answers` count whole ones, and the times are those of the replies.
    """

    rate: float
    p50: float
    p95: float
    p99: float
    answers: int
    #: answers with another status than expected, and "broken" connections, over the whole run
    faults: dict[str, int]
    #: the generator's own share of one core
    busy: float
    #: the body of the last good answer
    sample: str


def request(
    method: str, path: str, *, port: int, headers: Mapping[str, str] | None = None, body: bytes = b""
) -> bytes:
    """One whole HTTP/1.1 message to 127.0.0.1."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: 127.0.0.1:{port}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


def run(load: Load) -> Outcome:
    """Put the load on from a process of its own. Raises `BenchFault` when the server is not there."""
    said = processes.call(
        [sys.executable, "-m", "bench.load"],
        given=msgspec.json.encode(load).decode(),
        within=load.warm_up + load.seconds + DRAIN_S + 30,
    )
    return Outcome(**json.loads(said))


class _Connection:
    """One keep-alive connection, the answer that is arriving on it, and how far its conversation is."""

    __slots__ = ("connected", "place", "received", "since", "socket", "token", "wanted")

    def __init__(self, port: int) -> None:
        self.socket = socket.socket()
        self.socket.setblocking(False)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.since = time.perf_counter()  # a server that closes after each answer pays for connecting anew
        self.connected = False
        self.received = b""
        self.wanted = 0  # bytes of the whole answer, 0 while its head is incomplete
        self.place = 0  # of the message under way: 0 the opening, 1 the first reply
        self.token = b""
        self.socket.connect_ex(("127.0.0.1", port))

    def send(self, message: bytes) -> None:
        self.received = b""
        self.wanted = 0
        self.socket.sendall(message)

    def complete(self, arrived: bytes) -> bool:
        """Take what arrived; is the answer whole? Raises `ValueError` for one without a length."""
        self.received = self.received + arrived if self.received else arrived
        if not self.wanted:
            head = self.received.find(b"\r\n\r\n")
            if head < 0:
                return False
            length = _LENGTH.search(self.received, 0, head)
            if length is None:
                raise ValueError("an answer without Content-Length")
            self.wanted = head + 4 + int(length[1])
        return len(self.received) >= self.wanted


class _Generator:
    def __init__(self, load: Load) -> None:
        self.load = load
        self.expected = str(load.expect).encode()
        self.epoll = select.epoll()
        self.open: dict[int, _Connection] = {}
        self.faults: Counter[str] = Counter()
        self.latencies: list[float] = []
        self.sample = b""
        self.answers = 0
        self.warming = self.sending = True
        self.counting = False

    def run(self) -> Outcome:
        for _ in range(self.load.connections):
            self.connect()
        begun = time.perf_counter()
        self.until(begun + self.load.warm_up)
        self.warming, self.counting = False, True
        started, busy = time.perf_counter(), time.process_time()
        self.until(started + self.load.seconds)
        took, busy = time.perf_counter() - started, time.process_time() - busy
        self.counting = self.sending = False
        self.until(time.perf_counter() + DRAIN_S)  # leave nothing queued for whoever is measured next
        return self.outcome(took, busy)

    def until(self, deadline: float) -> None:
        while self.open and (left := deadline - time.perf_counter()) > 0:
            for fd, _event in self.epoll.poll(min(left, 0.5)):
                self.on_ready(self.open[fd])

    def connect(self) -> None:
        connection = _Connection(self.load.port)
        self.open[connection.socket.fileno()] = connection
        self.epoll.register(connection.socket.fileno(), select.EPOLLIN | select.EPOLLOUT)

    def message(self, connection: _Connection) -> bytes:
        if (talk := self.load.conversation) is not None:
            if connection.place == 0:
                return random.choice(talk.openings)  # noqa: S311 - who answers
            return talk.replies[connection.place - 1].replace(HERE, connection.token)
        requests = self.load.requests
        return requests[0] if len(requests) == 1 else random.choice(requests)  # noqa: S311 - which ticket to read

    def drop(self, connection: _Connection) -> None:
        del self.open[connection.socket.fileno()]
        connection.socket.close()  # epoll forgets a closed socket
        if self.sending:
            self.connect()

    def on_ready(self, connection: _Connection) -> None:
        try:
            if not connection.connected:
                self.on_connected(connection)
                return
            arrived = connection.socket.recv(65536)
            if not arrived:
                raise ConnectionError("closed before the answer was whole")
            if not connection.complete(arrived):
                return
        except (OSError, ValueError):
            self.faults["broken"] += 1
            if self.faults["broken"] > MOST_BROKEN:
                raise
            self.drop(connection)
            return
        self.on_answer(connection)

    def on_connected(self, connection: _Connection) -> None:
        if fault := connection.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            raise OSError(fault, os.strerror(fault))
        connection.connected = True
        self.epoll.modify(connection.socket.fileno(), select.EPOLLIN)
        connection.send(self.message(connection))

    def on_answer(self, connection: _Connection) -> None:
        answer, now = connection.received, time.perf_counter()
        status = answer[9:12]
        if status != self.expected:
            self.faults[status.decode("latin-1")] += 1
            connection.place = 0
        elif self.load.conversation is not None:
            self.on_turn(connection, self.load.conversation, now)
        elif not self.warming:
            self.answers += self.counting
            self.latencies.append(
                now - connection.since
            )  # those of the drain too: the slowest are among them
            self.sample = answer
        if (
            not self.sending
            or _CLOSING.search(answer, 0, connection.wanted)
            or answer.startswith(b"HTTP/1.0")
        ):
            self.drop(connection)
        else:
            connection.since = now
            connection.send(self.message(connection))

    def on_turn(self, connection: _Connection, talk: Conversation, now: float) -> None:
        """Take an answer of a conversation; the connection's next message is the one that follows."""
        answer, place = connection.received, connection.place
        connection.place = place + 1 if place < len(talk.replies) else 0
        if place == 0:
            token = _TOKEN.search(answer)
            connection.token = token[1] if token else b""
            return
        if not self.warming:
            self.latencies.append(now - connection.since)
        if connection.place:
            return
        if talk.ends not in answer:
            self.faults["not at its end"] += 1
        elif not self.warming:
            self.answers += self.counting
            self.sample = answer

    def outcome(self, took: float, busy: float) -> Outcome:
        ordered = sorted(self.latencies)

        def percentile(share: float) -> float:
            return (
                ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000 if ordered else float("nan")
            )

        return Outcome(
            rate=self.answers / took,
            p50=percentile(0.50),
            p95=percentile(0.95),
            p99=percentile(0.99),
            answers=self.answers,
            faults=dict(self.faults),
            busy=busy / took,
            sample=self.sample.partition(b"\r\n\r\n")[2].decode(errors="replace"),
        )


def main() -> None:
    told = msgspec.json.decode(sys.stdin.buffer.read(), type=Load)
    json.dump(dataclasses.asdict(_Generator(told).run()), sys.stdout)


if __name__ == "__main__":
    main()
