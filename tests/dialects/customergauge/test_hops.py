"""Records that came from hub to hub."""

from __future__ import annotations

import asyncpg
import httpx
import pytest
from tests.dialects.customergauge.test_records import BY_JSON, SEED, assert_taken, new_email, put, rows
from tests.support import hub as hubs

pytestmark = pytest.mark.anyio


async def hop(hub: hubs.Hub, email: str) -> int | None:
    [response] = rows(hub, "responses", contact=email)
    connection = await asyncpg.connect(hub.place[1])
    try:
        found: int | None = await connection.fetchval(
            """
            select (origin ->> 'hop')::int from changes
            where kind = 'response.recorded' and subject_id = $1
            """,
            str(response["id"]),
        )
    finally:
        await connection.close()
    return found


@pytest.mark.parametrize(("hops", "passed"), [("4", 4), ("0", None)])
@pytest.mark.parametrize("new_account", [False, True])
async def test_passes_the_number_on_with_the_response(
    crm: httpx.Client, records_hub: hubs.Hub, hops: str, passed: int | None, new_account: bool
) -> None:
    email = new_email()
    account = email if new_account else "ACME"  # what changes nobody is stored another way
    record = {**SEED, "Email": email, "Account Name": account}
    assert_taken(put(crm, BY_JSON, record, headers={"Tellback-Hop": hops}))
    assert await hop(records_hub, email) == passed


async def test_refuses_a_record_that_came_through_too_many_hubs(
    crm: httpx.Client, records_hub: hubs.Hub
) -> None:
    email = new_email()
    answer = put(crm, BY_JSON, {**SEED, "Email": email}, headers={"Tellback-Hop": "6"})
    assert answer.status_code == 508
    assert answer.json()["message"].startswith("This call has gone through 6 hubs")
    assert rows(records_hub, "responses", contact=email) == []
