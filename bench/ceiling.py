"""The load generator's own ceiling: how fast it drives a bare ASGI function under the hub's server.

A contestant near this figure is measured against the generator as much as against itself.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from bench import load, processes, rounds, served, table
from tellback.settings import Settings

ANSWER = b'{"status": 201, "description": "Created", "id": 4711, "feedbackId": "BUG-0042"}'
CLIENTS = (1, 64, 256)


class Bare:
    """Reads the body and answers; 200 to a GET, so that the server finds it ready."""

    in_flight = 0
    headers = ((b"content-type", b"application/json"), (b"content-length", str(len(ANSWER)).encode()))

    def __init__(self, _settings: Settings) -> None:
        pass

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        while (await receive()).get("more_body"):
            pass
        status = 200 if scope["method"] == "GET" else 201
        await send({"type": "http.response.start", "status": status, "headers": self.headers})
        await send({"type": "http.response.body", "body": ANSWER})

    @asynccontextmanager
    async def life(self) -> AsyncIterator[None]:
        yield

    def drain(self) -> None:
        pass


def measure(settings: rounds.Settings) -> table.Section:
    section = table.Section(
        "The load generator's ceiling (bare ASGI function, one worker)",
        ("clients", *rounds.COLUMNS, "generator, share of a core"),
    )
    told = Settings(data=settings.temp / "ceiling", port=processes.free_port())
    with served.serving("bench.ceiling:Bare", told, settings.temp / "ceiling.log") as port:
        headers = {"Content-Type": "application/json"}
        message = load.request("POST", "/", port=port, headers=headers, body=b"x" * 330)
        for clients in CLIENTS:
            found = rounds.interleaved(settings, [rounds.Contestant("bare", port, [message])], clients)[
                "bare"
            ]
            section.rows.append((str(clients), *found.cells(), table.number(found.busy)))
    return section
