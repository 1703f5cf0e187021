"""A small application behind the real front, for tests of the server: it remembers what reached it.

Every effect is one line in the file `effects` of the data folder, written when a body was read whole.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from tellback import settings
from tellback.core import errors
from tellback.kit import answers, dispatch, faults, front, heads, health, limits


def create(config: settings.Settings) -> front.Front:
    """The target: `/v/` answers as a vendor's surface would, with bodies of its own shape."""

    async def answer(scope: answers.Scope, receive: answers.Receive, send: answers.Send) -> None:
        path = scope["path"]
        size = await _read(receive)
        if path == "/v/slow":
            await asyncio.sleep(1.5)
        elif path == "/v/broken":
            raise RuntimeError("the password is hunter2")
        elif path == "/v/missing":
            raise errors.NotFound("There is no such thing.")
        _remember(config.data, f"{scope['method']} {path} {size}")
        peer = front.peer_of(scope)
        told = {"pid": os.getpid(), "size": size, "peer": msgspec.to_builtins(peer)}
        await answers.send_answer(send, answers.of_json(200, told))

    @asynccontextmanager
    async def life() -> AsyncIterator[None]:
        if (config.data / "refuse-to-start").exists():
            raise RuntimeError("told not to start")
        yield
        _remember(config.data, "closed")

    async def ready() -> None:
        if (config.data / "away").exists():
            raise ConnectionError

    vendor = dispatch.Surface("vendor", ("/v/",), answer, refusal)
    surfaces = [vendor, health.surface(health.Readiness(ready))]
    return front.Front(
        dispatch.Dispatcher(surfaces),
        addresses=heads.Addresses(settings.networks(config.trusted_proxies)),
        limit=limits.Limits(config),
        life=life,
    )


def refusal(error: errors.HubError) -> answers.Answer:
    status = faults.status_of(error)
    return answers.of_json(status, {"vendor_says": error.message}, faults.headers_of(error))


async def _read(receive: answers.Receive) -> int:
    size = 0
    while True:
        message = await receive()
        size += len(message.get("body", b""))
        if not message.get("more_body"):
            return size


def _remember(data: Path, effect: str) -> None:
    with open(data / "effects", "a") as file:
        file.write(f"{effect}\n")
