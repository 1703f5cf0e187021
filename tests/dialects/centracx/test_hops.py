"""Sessions that are taken from hub to hub."""

from __future__ import annotations

import asyncpg
import httpx
import pytest
from tests.dialects.centracx.test_sessions import WHOLE
from tests.support import hub as hubs
from tests.support.taking import reply, session

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(("hops", "passed"), [("2", 2), ("none", None)])
async def test_passes_the_number_on_with_what_a_session_brings(
    https: httpx.Client, surveys_hub: hubs.Hub, hops: str, passed: int | None
) -> None:
    token = session(https)
    for body in WHOLE:
        answer = reply(https, token, body, headers={"Tellback-Hop": hops})
        assert answer.status_code == 200, answer.text
    connection = await asyncpg.connect(surveys_hub.place[1])
    try:
        origins = await connection.fetch(
            """
            select c.kind, (c.origin ->> 'hop')::int as hop from changes c
            where c.subject_id = $1 or (c.kind = 'response.recorded' and c.subject_id =
              (select data ->> 'response' from changes where subject_id = $1))
            order by c.kind
            """,
            token,
        )
    finally:
        await connection.close()
    assert [tuple(row) for row in origins] == [("response.recorded", passed), ("session.completed", passed)]
