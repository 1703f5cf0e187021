"""Calls that go from hub to hub in a circle."""

from __future__ import annotations

import json
from typing import Any

import asyncpg
import httpx
import pytest
from tests.support import hub as hubs
from tests.support.hub import CREATE, KEY

from tellback.core import errors
from tellback.dialects.centercode import errors as centercode
from tellback.dialects.cention import errors as cention
from tellback.dialects.centracx import errors as centracx
from tellback.dialects.customergauge import errors as customergauge
from tellback.kit import problems

SENTENCE = "This call has gone through 6 hubs, one setting off the other; it goes no further."


def post(http: httpx.Client, hops: str) -> httpx.Response:
    return http.post(
        CREATE, params={"apiKey": KEY}, json={"title": "Round and round"}, headers={"Tellback-Hop": hops}
    )


def test_refuses_a_call_that_came_through_too_many_hubs_and_logs_it(
    http: httpx.Client, hub: hubs.Hub
) -> None:
    answer = post(http, "6")
    assert (answer.status_code, answer.json()) == (508, {"status": 508, "description": SENTENCE})
    entry = http.get("/hub/v1/intake?limit=1", headers=hub.reader()).json()["data"][0]
    assert (entry["status"], entry["error"], entry["target"]) == (508, SENTENCE, "beta/app")


@pytest.mark.parametrize("hops", ["006", "9" * 10, "9" * 5000])
def test_refuses_however_the_number_is_written(http: httpx.Client, hops: str) -> None:
    assert post(http, hops).status_code == 508


@pytest.mark.parametrize("hops", ["5", "0", "", "x", "-1", "6.0", "٦", "0" * 30])
def test_takes_a_call_that_did_not_or_whose_number_is_none(http: httpx.Client, hops: str) -> None:
    headers = {b"Tellback-Hop": hops.encode()}
    answer = http.post(CREATE, params={"apiKey": KEY}, json={"title": "Once"}, headers=headers)
    assert answer.status_code == 201


@pytest.mark.anyio
@pytest.mark.parametrize(("hops", "hop"), [("3", 3), ("0", None)])
async def test_passes_the_number_on_with_the_ticket(
    http: httpx.Client, hub: hubs.Hub, hops: str, hop: int | None
) -> None:
    connection = await asyncpg.connect(hub.place[1])
    try:
        await connection.execute("update workspaces set automated = true where slug = 'demo'")
        number = post(http, hops).json()["id"]
        origin = await connection.fetchval(
            "select origin from changes where subject_type = 'ticket' and subject_id = $1", str(number)
        )
    finally:
        await connection.execute("update workspaces set automated = false where slug = 'demo'")
        await connection.close()
    assert (json.loads(origin) if origin else {}).get("hop") == hop


@pytest.mark.parametrize(
    ("refusal", "body"),
    [
        (centercode.refusal, {"status": 508, "description": SENTENCE}),
        (centracx.refusal, {"status": 508, "message": SENTENCE}),
        (customergauge.refusal, {"message": SENTENCE}),
        (
            cention.refusal,
            {
                "jsonapi": {"version": "1.1"},
                "errors": [
                    {"status": "508", "code": "loop_detected", "title": "Loop Detected", "detail": SENTENCE,
                     "source": {"header": "Tellback-Hop"}},
                ],
            },
        ),
        (
            problems.refusal,
            {"type": "about:blank", "title": "Loop Detected", "status": 508, "detail": SENTENCE},
        ),
    ],
)  # fmt: skip
def test_says_so_in_the_words_of_each_surface(refusal: Any, body: dict[str, Any]) -> None:
    answer = refusal(errors.LoopDetected(6))
    assert answer.status == 508
    assert json.loads(answer.body) == body
