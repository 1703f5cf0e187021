"""Batches of single records: what they cost, and that they come to the same as one after the other."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

import asyncpg
import pytest
from tests.support import surveying
from tests.support.surveying import Desk

from tellback.core import errors, imports, intake
from tellback.core.cache import ConfigurationCache
from tellback.core.imports import NewRecord, Stored
from tellback.storage.database import Transaction

pytestmark = pytest.mark.anyio

HUB = """
workspace: {slug: demo}
import_configurations:
  - reference: whole
    object: survey_record
    fields:
      Account: account.name
      Alias: account.alias
      Region: account.segments.region
      Email: contact.email
      Phone: contact.phone
      First: contact.first_name
      Tier: contact.segments.tier
      Sent: response.sent_at
      Done: response.completed_at
  - {reference: people, object: contact, fields: {Email: contact.email, First: contact.first_name}}
"""
DATES = {"Sent": "2026-01-01", "Done": "2026-01-02"}
ANN = {"Email": "ann@a.example", "Account": "Acme", "First": "Ann", "Tier": "gold", "Region": "north"}


@pytest.fixture
async def desk(database_url: str) -> AsyncIterator[Desk]:
    async with surveying.desk(database_url) as open_desk:
        await open_desk.apply(HUB)
        yield open_desk


async def records(desk: Desk, *told: dict[str, str], reference: str = "whole") -> list[NewRecord]:
    mapping = await imports.find(desk.db, ConfigurationCache(desk.db), desk.workspace_id, reference)
    assert mapping is not None
    found = []
    for one in told:
        read = imports.mapping.read(mapping, one | DATES if reference == "whole" else one)
        assert read.record is not None, read.faults
        found.append(NewRecord(mapping, read.record, "record", reference, "connected app CRM"))
    return found


async def put(desk: Desk, new: Sequence[NewRecord]) -> tuple[list[Stored | errors.HubError], list[str]]:
    """The records as one batch, as a lane of the group commit stores it; and the statements that took."""
    statements: list[str] = []
    connection = await asyncpg.connect(desk.url)
    connection.add_query_logger(lambda record: statements.append(record.query))
    submissions: list[intake.Submission[NewRecord, Stored]] = [
        intake.Submission(one, desk.entry()) for one in new
    ]
    try:
        found = await imports.STORE.plain.apply(Transaction(connection), submissions)
    finally:
        await connection.close()
    # A new connection's driver first asks what the types are.
    own = [one for one in statements if "typeinfo" not in one and "'jit'" not in one]
    return list(found), own  # type: ignore[arg-type]


async def whole(desk: Desk, *told: dict[str, str]) -> list[str]:
    """Statements that it took to store these."""
    return (await put(desk, await records(desk, *told)))[1]


async def test_takes_two_statements_for_any_number_who_are_known_or_new(desk: Desk) -> None:
    await whole(desk, ANN)
    new = [{"Email": f"p{n}@a.example", "Account": "ACME", "First": "P"} for n in range(40)]
    assert len(await whole(desk, ANN, *new, {"Phone": "123"}, *new, ANN)) == 2
    assert await desk.value("select count(*) from responses") == 84
    assert await desk.value("select count(*) from contacts") == 42
    assert await desk.value("select count(*) from changes where kind = 'contact.created'") == 42
    assert await desk.value("select count(*) from changes where kind = 'response.recorded'") == 84
    assert (
        await desk.value("select count(*) from changes where kind in ('contact.changed', 'account.changed')")
        == 0
    )
    assert await desk.value("select count(*) from intake where created_type = 'response'") == 84


async def test_leaves_alone_of_whom_nothing_new_is_said(desk: Desk) -> None:
    await whole(desk, ANN)
    rows = "select xmin::text, * from contacts", "select xmin::text, * from accounts"
    before = [await desk.rows(one) for one in rows]
    await whole(desk, ANN, ANN | {"Email": "ANN@A.example "})
    people, _ = await put(desk, await records(desk, {"Email": ANN["Email"]}, reference="people"))
    assert [one.verdict for one in people if isinstance(one, Stored)] == ["unchanged"]
    assert [await desk.rows(one) for one in rows] == before
    [entry] = await desk.rows("select created_type, created_id from intake order by id desc limit 1")
    assert entry == {"created_type": "contact", "created_id": str(before[0][0]["id"])}


async def test_keeps_the_order_where_some_of_a_batch_change_people(desk: Desk) -> None:
    bo = {"Email": "bo@b.example", "Account": "Globex", "Tier": "tin"}
    await whole(desk, ANN, bo)
    statements = await whole(desk, ANN, ANN | {"Tier": "silver"}, bo, ANN | {"Tier": "gold"}, ANN)
    assert len(statements) > 2
    tiers: list[Any] = [
        row["tier"]
        for row in await desk.rows(
            "select r.segments->'contact'->>'tier' as tier from responses r join contacts c on c.id = r.contact_id"
            " where c.email_key = 'ann@a.example' order by r.id"
        )
    ]
    assert tiers == ["gold", "gold", "silver", "gold", "gold"]
    assert await desk.value("select count(*) from responses") == 7


async def test_refuses_an_alias_of_another_and_stores_its_neighbours(desk: Desk) -> None:
    await whole(desk, ANN, {"Email": "bo@b.example", "Account": "Globex"})
    taken = {"Email": "cy@c.example", "Account": "Initech", "Alias": "globex"}
    outcomes, _ = await put(desk, await records(desk, ANN, taken, ANN))
    assert [type(one) for one in outcomes] == [Stored, errors.Invalid, Stored]
    assert await desk.value("select count(*) from contacts where email_key = 'cy@c.example'") == 0


async def test_goes_the_long_way_where_automation_is_told(desk: Desk) -> None:
    await whole(desk, ANN)
    connection = await asyncpg.connect(desk.url)
    await connection.execute("update workspaces set automated = true")
    await connection.close()
    assert len(await whole(desk, ANN)) > 2
    assert await desk.value("select count(*) from responses") == 2
