"""A receiver of outgoing calls: a real HTTP server on loopback that remembers what came and behaves as told."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import msgspec


@dataclass(frozen=True)
class Call:
    """A request as it arrived; `headers` by lower-cased name, `at` in seconds of the wall clock."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    at: float
    raw_headers: tuple[tuple[str, str], ...] = ()

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    def json(self) -> Any:
        return msgspec.json.decode(self.body)


#: Answers one call on its connection.
Behaviour = Callable[[Call, asyncio.StreamWriter], Awaitable[None]]


def answer(status: int = 200, body: bytes = b"", *headers: tuple[str, str], after: float = 0.0) -> Behaviour:
    """A well-formed answer, `after` so many seconds."""

    async def behave(_: Call, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(after)
        lines = [f"HTTP/1.1 {status} Said", *(f"{name}: {value}" for name, value in headers)]
        lines.append(f"Content-Length: {len(body)}")
        writer.write("\r\n".join([*lines, "", ""]).encode() + body)

    return behave


def answer_json(document: Any, status: int = 200) -> Behaviour:
    return answer(status, msgspec.json.encode(document), ("Content-Type", "application/json"))


def raw(*pieces: bytes, every: float = 0.0, close: bool = True) -> Behaviour:
    """These bytes, with a pause after each, whatever HTTP says about them."""

    async def behave(_: Call, writer: asyncio.StreamWriter) -> None:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(every)
        if close:
            writer.close()

    return behave


def endless(piece: bytes, head: bytes) -> Behaviour:
    """A body that does not end while somebody reads."""

    async def behave(_: Call, writer: asyncio.StreamWriter) -> None:
        writer.write(head)
        while not writer.is_closing():
            writer.write(piece)
            await writer.drain()
        raise ConnectionResetError

    return behave


async def hang(_: Call, __: asyncio.StreamWriter) -> None:
    """No answer for as long as anybody waits."""
    await asyncio.Event().wait()


def in_turn(*behaviours: Behaviour) -> Behaviour:
    """One after the other; the last for ever."""
    left = list(behaviours)

    async def behave(call: Call, writer: asyncio.StreamWriter) -> None:
        await (left.pop(0) if len(left) > 1 else left[0])(call, writer)

    return behave


@dataclass
class Receiver:
    """A running receiver. Paths behave as told by `behave`; every other one answers 200."""

    port: int
    scheme: str = "http"
    calls: list[Call] = field(default_factory=list)
    behaviours: dict[str, Behaviour] = field(default_factory=dict)
    connections: int = 0
    _serving: set[asyncio.Task[None] | None] = field(default_factory=set)

    def url(self, path: str = "/") -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}{path}"

    def behave(self, path: str, behaviour: Behaviour) -> None:
        self.behaviours[path] = behaviour

    def at(self, path: str) -> list[Call]:
        return [call for call in self.calls if call.path == path]

    def wait_for(self, count: int, path: str | None = None, seconds: float = 10.0) -> list[Call]:
        """Until so many calls came; fails after `seconds`."""
        deadline = time.monotonic() + seconds
        while True:
            found = self.calls if path is None else self.at(path)
            if len(found) >= count:
                return list(found)
            assert time.monotonic() < deadline, f"{len(found)} of {count} calls in {seconds} s"
            time.sleep(0.01)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._serving.add(asyncio.current_task())  # a loop keeps its tasks by weak references alone
        try:
            while (call := await _read(reader, writer)) is not None:
                self.calls.append(call)
                await self.behaviours.get(call.path, answer())(call, writer)
                await writer.drain()
                if writer.is_closing():
                    break
        except (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            pass
        finally:
            self._serving.discard(asyncio.current_task())
            writer.close()
            with contextlib.suppress(OSError, ssl.SSLError):
                await writer.wait_closed()


async def _read(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Call | None:
    try:
        begin = await reader.readexactly(1)
        if not begin.isalpha():  # someone speaks TLS to a server that does not
            writer.write(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
            return None
        head = begin + await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.decode("latin-1").split("\r\n")[:-2]
    method, target, _ = first.split(" ")
    pairs = tuple((name, value.strip()) for name, _, value in (line.partition(":") for line in lines))
    headers = {name.lower(): value for name, value in pairs}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Call(method, target, headers, body, time.time(), pairs)


@contextmanager
def running(tls: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    """A receiver on a loop and thread of its own, so that it answers whatever the test does."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    receiver = Receiver(0, "https" if tls else "http")

    async def start() -> asyncio.Server:
        return await asyncio.start_server(receiver._serve, "127.0.0.1", 0, ssl=tls, backlog=1024, limit=2**20)

    async def stop(server: asyncio.Server) -> None:
        server.close()
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    server = asyncio.run_coroutine_threadsafe(start(), loop).result(10)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        asyncio.run_coroutine_threadsafe(stop(server), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()
