"""Live, ready, metrics."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from tellback.kit import answers, health, metrics

pytestmark = pytest.mark.anyio


class Database:
    """Answers, or not, and counts how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.away = False
        self.hangs = False

    async def ask(self) -> None:
        self.asked += 1
        if self.hangs:
            await asyncio.sleep(60)
        if self.away:
            raise ConnectionError("postgresql://hub:hunter2@db/hub")


async def get(
    readiness: health.Readiness, path: str, method: str = "GET"
) -> tuple[int, dict[str, str], bytes]:
    sent: list[answers.Message] = []

    async def receive() -> answers.Message:
        return {"type": "http.request"}

    async def send(message: answers.Message) -> None:
        sent.append(message)

    scope: dict[str, Any] = {"type": "http", "method": method, "path": path}
    await health.surface(readiness, metrics.Registry()).app(scope, receive, send)
    headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], headers, sent[1]["body"]


async def test_lives_whatever_the_database_does() -> None:
    database = Database()
    database.away = True
    status, _, body = await get(health.Readiness(database.ask), "/healthz/live")
    assert (status, json.loads(body)) == (200, {"status": "ok"})


async def test_is_ready_when_the_database_answers_and_not_when_it_does_not() -> None:
    database, now = Database(), [0.0]
    readiness = health.Readiness(database.ask, clock=lambda: now[0])
    assert (await get(readiness, "/healthz/ready"))[0] == 200
    database.away = True
    now[0] += 1
    status, headers, body = await get(readiness, "/healthz/ready")
    assert (status, headers["retry-after"]) == (503, "2")
    assert json.loads(body)["status"] == "unavailable"
    assert b"hunter2" not in body


@pytest.mark.alone
async def test_gives_up_on_a_database_that_hangs() -> None:
    database = Database()
    database.hangs = True
    began = asyncio.get_running_loop().time()
    status, _, _ = await get(health.Readiness(database.ask), "/healthz/ready")
    assert status == 503
    assert asyncio.get_running_loop().time() - began < 3


async def test_asks_the_database_once_for_a_crowd() -> None:
    database = Database()
    readiness = health.Readiness(database.ask)
    answered = await asyncio.gather(*(get(readiness, "/healthz/ready") for _ in range(20)))
    assert {status for status, _, _ in answered} == {200}
    assert database.asked == 1


@pytest.mark.parametrize(
    ("path", "method", "status"),
    [("/healthz/ready/x", "GET", 404), ("/healthz/live", "POST", 405), ("/metrics", "DELETE", 405)],
)
async def test_refuses_what_it_does_not_know(path: str, method: str, status: int) -> None:
    answered, headers, _ = await get(health.Readiness(Database().ask), path, method)
    assert (answered, headers["content-type"]) == (status, "application/problem+json")


async def test_shows_the_metrics_as_text() -> None:
    status, headers, _ = await get(health.Readiness(Database().ask), "/metrics")
    assert (status, headers["content-type"]) == (200, "text/plain; version=0.0.4; charset=utf-8")
