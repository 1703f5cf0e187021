"""A whole answer as a value, and how it goes out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import msgspec

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

Header = tuple[bytes, bytes]

JSON = b"application/json"
PROBLEM = b"application/problem+json"  # RFC 9457, section 3
PLAIN = b"text/plain; charset=utf-8"


class Answer(msgspec.Struct, frozen=True):
    """Status, body and headers; header names are lower case and leave out Content-Type and Content-Length.

    An empty `media_type` sends no Content-Type, as is right for an empty body.
    """

    status: int
    body: bytes = b""
    media_type: bytes = JSON
    headers: tuple[Header, ...] = ()


def of_json(status: int, value: Any, headers: tuple[Header, ...] = (), media_type: bytes = JSON) -> Answer:
    """An answer with `value` as its JSON body."""
    return Answer(status, msgspec.json.encode(value), media_type, headers)


async def send_answer(send: Send, answer: Answer) -> None:
    """Send `answer` whole."""
    headers = [(b"content-length", b"%d" % len(answer.body)), *answer.headers]
    if answer.media_type:
        headers.insert(0, (b"content-type", answer.media_type))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})
