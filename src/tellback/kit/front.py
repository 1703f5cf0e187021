"""The outermost layer: every request comes in here, is judged by its head, and is answered by its surface.

The server underneath takes two Hosts, bare line feeds and headers of any size, and tells an application of a
body cut short as if its client had merely left; what that could do to a surface is stopped here, once.
"""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Any

from tellback import logs
from tellback.core import errors
from tellback.kit import answers, dispatch, faults, heads, limits, metrics

Life = Callable[[], AbstractAsyncContextManager[object]]
Peer = heads.Peer

_PEER = "tellback.peer"
_SENT_METHOD = "tellback.sent_method"

_NOSNIFF = (b"x-content-type-options", b"nosniff")
_SERVER = (b"server", b"tellback")  # else granian names itself
_CLOSE = (b"connection", b"close")
_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))

REQUESTS = metrics.REGISTRY.counter(
    "tellback_http_requests_total", "Requests answered.", "surface", "method", "status"
)
DURATIONS = metrics.REGISTRY.histogram(
    "tellback_http_request_duration_seconds",
    "Time from a request's head to the end of its answer.",
    "surface",
    "method",
    "status",
)


class Aborted(BaseException):
    """The body ended before its end. Nothing may come of the request; who reads the body lets this pass.

    Like CancelledError no Exception, so that no surface takes it for a fault of its own to answer.
    """


def peer_of(scope: answers.Scope) -> Peer:
    """Who asks. Every request that reaches a surface has one."""
    peer: Peer = scope[_PEER]
    return peer


def method_of(scope: answers.Scope) -> str:
    """The method as sent: a surface sees HEAD as GET, and this tells the few that must know."""
    method: str = scope[_SENT_METHOD]
    return method


class Front:
    """The ASGI application a worker serves. `life` is entered before the first request."""

    def __init__(
        self,
        dispatcher: dispatch.Dispatcher,
        *,
        addresses: heads.Addresses,
        limit: limits.Limits | None = None,
        life: Life | None = None,
    ) -> None:
        self._dispatcher = dispatcher
        self._addresses = addresses
        self._limit = limit
        self._life = life
        self._draining = False
        self.in_flight = 0
        self._log = logs.logger("tellback.front")
        # Unique over processes and restarts by the first half, in the process by the second.
        self._made_ids = map(f"{os.urandom(6).hex()}-{{:x}}".format, itertools.count(1))

    def life(self) -> AbstractAsyncContextManager[object]:
        """What must be open while requests are answered."""
        return nullcontext() if self._life is None else self._life()

    def drain(self) -> None:
        """From now on every answer closes its connection and none is held back: the worker is going."""
        self._draining = True
        self._dispatcher.drain()

    async def __call__(self, scope: answers.Scope, receive: answers.Receive, send: answers.Send) -> None:
        if scope["type"] == "http":
            await self._request(scope, receive, send)
        elif scope["type"] == "lifespan":
            await _live(self.life, receive, send)
        else:
            raise NotImplementedError(scope["type"])  # what ASGI asks for of a protocol that is not spoken

    async def _request(self, scope: answers.Scope, receive: answers.Receive, send: answers.Send) -> None:
        began = time.perf_counter()
        self.in_flight += 1
        path, method = scope["path"], scope["method"]
        surface = self._dispatcher.surface_of(path)
        head, size = heads.read(scope["headers"])
        request_id = heads.request_id_of(head) or next(self._made_ids)
        refused = heads.fault_of(head, size)
        outgoing = _Outgoing(send, request_id, method == "HEAD")
        outgoing.close = (self._draining or refused is not None) and scope["http_version"][0] == "1"
        address = scope["client"][0] if scope.get("client") else ""
        try:
            if refused is None:
                peer = self._addresses.peer(head, address, scope["scheme"], request_id)
                address = peer.address
                refused = self._over_limit(surface, peer)
            if refused is None:
                self._introduce(scope, peer, method)
                await surface.app(scope, _whole_body(scope, head, receive, outgoing), outgoing.send)
            else:
                await answers.send_answer(outgoing.send, surface.refusal(refused))
        except Aborted:
            await self._answer_aborted(surface, outgoing)
        except Exception as error:
            await self._answer_fault(surface, outgoing, error)
        finally:
            self.in_flight -= 1
            seconds = time.perf_counter() - began
            self._record(surface.name, method, path, outgoing.status, seconds, request_id, address)

    def _over_limit(self, surface: dispatch.Surface, peer: Peer) -> errors.RateLimited | None:
        if self._limit is None or not surface.limited:
            return None
        try:
            self._limit.check_address(peer.address, loopback=peer.loopback)
        except errors.RateLimited as error:
            return error
        return None

    def _introduce(self, scope: answers.Scope, peer: Peer, method: str) -> None:
        scope[_PEER] = peer
        scope[_SENT_METHOD] = method
        if method == "HEAD":
            scope["method"] = "GET"  # RFC 9110, section 9.3.2: the same answer without its body
        scope["scheme"] = peer.scheme

    async def _answer_aborted(self, surface: dispatch.Surface, outgoing: _Outgoing) -> None:
        """Mostly nobody is left to read it; where it was broken framing, the sender learns what happened."""
        if outgoing.started:
            return
        outgoing.close = True
        answer = surface.refusal(errors.Malformed("The body ended before its announced end."))
        try:
            await answers.send_answer(outgoing.send, answer)
        except Exception:
            self._log.debug("client_gone", request_id=outgoing.request_id)

    async def _answer_fault(self, surface: dispatch.Surface, outgoing: _Outgoing, error: Exception) -> None:
        """The surface's own refusal for what escaped it; of the unexpected nothing but the request id."""
        expected = faults.hub_error(error)
        if expected is None:
            self._log.error(
                "request_failed", request_id=outgoing.request_id, surface=surface.name, exc_info=error
            )
        if outgoing.started:
            raise error  # too late for another answer; the server cuts the connection
        await answers.send_answer(outgoing.send, surface.refusal(expected or faults.Unexpected()))

    def _record(
        self, surface: str, method: str, path: str, status: int, seconds: float, request_id: str, address: str
    ) -> None:
        known = method if method in _METHODS else "other"
        code = _CODES[status]
        REQUESTS.add(surface, known, code)
        DURATIONS.observe(seconds, surface, known, code)
        if surface != "operations" or status >= 400:
            logs.access(
                surface=surface,
                method=method,
                path=path,
                status=status,
                seconds=seconds,
                request_id=request_id,
                address=address,
            )


_CODES = [str(code) for code in range(1000)]


class _Outgoing:
    """`send`, with what every answer carries put in."""

    __slots__ = ("_bodiless", "_send", "close", "request_id", "started", "status", "unread")

    def __init__(self, send: answers.Send, request_id: str, bodiless: bool) -> None:
        self._send = send
        self._bodiless = bodiless
        self.request_id = request_id
        self.status = 0
        self.started = False
        self.close = False
        #: Something of the body is left. What it holds would be taken for a request, so the server closes the
        #: connection then, and does not always say so.
        self.unread = False

    def send(self, message: answers.Message) -> Any:
        # Not a coroutine of its own: it hands back the server's, and costs a call less.
        if message["type"] == "http.response.start":
            self.started = True
            self.status = message["status"]
            extra = [(b"x-request-id", self.request_id.encode()), _NOSNIFF, _SERVER]
            if self.close or self.unread:
                extra.append(_CLOSE)
            message = {**message, "headers": [*message.get("headers", ()), *extra]}
        elif self._bodiless and message["type"] == "http.response.body":
            message = {**message, "body": b""}
        return self._send(message)


def _whole_body(
    scope: answers.Scope, head: heads.Head, receive: answers.Receive, outgoing: _Outgoing
) -> answers.Receive:
    """`receive`, raising `Aborted` when the body ends before its end; tells `outgoing` whether it was reached."""
    first = scope["http_version"][0] == "1"
    if first and not heads.has_body(head):
        return receive
    outgoing.unread = first
    announced = int(head[b"content-length"]) if b"content-length" in head else None
    arrived = 0
    complete = False

    async def receive_whole() -> answers.Message:
        nonlocal arrived, complete
        message = await receive()
        if complete:
            return message
        if message["type"] == "http.disconnect":
            raise Aborted
        arrived += len(message.get("body", b""))
        if not message.get("more_body", False):
            if announced is not None and arrived != announced:
                raise Aborted
            complete = True
            outgoing.unread = False
        return message

    return receive_whole


async def _live(life: Life, receive: answers.Receive, send: answers.Send) -> None:
    """ASGI's lifespan protocol around a context manager."""
    await receive()
    try:
        async with life():
            await send({"type": "lifespan.startup.complete"})
            await receive()
    except Exception as error:
        logs.logger("tellback.front").error("life_failed", exc_info=error)
        await send({"type": "lifespan.startup.failed", "message": str(error)})
        return
    await send({"type": "lifespan.shutdown.complete"})
