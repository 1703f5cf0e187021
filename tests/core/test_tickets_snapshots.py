"""A ticket as one document: in events, and as the hub's own API shows it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
from tests.support import surveying, ticketing
from tests.support.ticketing import Office

from tellback.core import files, intake, tickets
from tellback.core.files import NewFile
from tellback.core.surveys import Reply, Respondent
from tellback.core.tickets import NewAttachment
from tellback.hub_api import documents
from tellback.storage.database import Database

pytestmark = pytest.mark.anyio


@pytest.fixture
async def office(database_url: str) -> AsyncIterator[Office]:
    async with ticketing.office(database_url) as opened:
        await opened.automate()
        yield opened


async def shown(db: Database, workspace_id: int, ticket_id: int) -> dict[str, Any]:
    """The ticket as GET /hub/v1/tickets/{id} has it, without its timeline."""
    async with db.reading() as reader:
        found = await tickets.queries.by_id(reader, workspace_id, ticket_id)
        assert found is not None
        attached = await files.of_ticket(reader, workspace_id, [ticket_id])
    encoded = msgspec.json.encode(documents.ticket(found, attached.get(ticket_id, ())))
    document: dict[str, Any] = msgspec.json.decode(encoded)
    return document


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"submitter_id": None},
        {"submitter_given": "stranger@example.org"},
        {"values": {"title": "x", "steps": "By hand", "devices": ["Phone"], "stars": 4}},
        {"body": "Held by no element"},
        {"status": "Fixed", "status_kind": "answered"},
        {"status": "Closed", "status_kind": "closed"},
    ],
)
async def test_tells_with_the_creation_what_the_api_shows(office: Office, more: dict[str, Any]) -> None:
    ticket = await office.file(**more)
    [created] = await office.feed(ticket.id)
    assert created.snapshot == await shown(office.db, office.workspace_id, ticket.id)
    assert created.snapshot["display_id"] == ticket.display_id


async def test_tells_where_the_event_came_from(office: Office) -> None:
    ticket = await office.file(origin={"automation": False})
    [created] = await office.feed(ticket.id)
    assert created.origin == {"automation": False}


async def test_keeps_nothing_where_nothing_acts_on_it(office: Office) -> None:
    await office.rows("update workspaces set automated = false")
    ticket = await office.file(origin={"automation": False})
    [created] = await office.feed(ticket.id)
    assert (created.snapshot, created.origin) == (None, None)


async def test_believes_a_source_that_knows_that_nothing_acts_on_it(office: Office) -> None:
    ticket = await office.file(automated=False)
    [created] = await office.feed(ticket.id)
    assert created.snapshot is None


async def test_tells_with_a_file_what_the_api_shows(office: Office) -> None:
    ticket = await office.file()
    file = NewFile("log", "crashlog", "crash.txt", "text/plain", 3, "ab" * 32, "b1")
    new = NewAttachment(office.workspace_id, ticket.id, "source App", (file,), {"workflow": False})
    await office.commits.write(tickets.ATTACH.plain, intake.Submission(new, office.entry()))
    _, added = await office.feed(ticket.id)
    assert added.kind == "file.added"
    assert added.snapshot == await shown(office.db, office.workspace_id, ticket.id)
    assert [one["name"] for one in added.snapshot["files"]] == ["crash.txt"]
    assert added.origin == {"workflow": False}


async def test_tells_with_work_what_the_api_shows(office: Office) -> None:
    ticket = await office.file()
    await office.act(
        ticket.id, tickets.SetField("steps", "Open it"), tickets.Assign("alice@demo.example"),
        tickets.AddTag("red"), tickets.SetPriority("high"), tickets.Answer("Re", "Done", close=True),
        tickets.Delete(),
    )  # fmt: skip
    assert (await office.feed(ticket.id))[-1].snapshot == await shown(
        office.db, office.workspace_id, ticket.id
    )


async def test_tells_of_a_survey_s_ticket_what_the_api_shows(database_url: str) -> None:
    async with surveying.desk(database_url) as desk:
        await desk.apply()
        await desk.rows("update workspaces set automated = true")
        bo = Respondent("bo@example.com", None, "Bo", "Tester", None)
        survey = await desk.survey()
        done = await desk.take(survey, Reply(choice=2), Reply(text="Slow"), Reply(text="No"), respondent=bo)
        assert done is not None
        assert done.ticket is not None
        [row] = await desk.rows("select snapshot from changes where kind = 'ticket.created'")
        snapshot = msgspec.json.decode(row["snapshot"])
        assert snapshot == await shown(desk.db, desk.workspace_id, done.ticket.id)
        assert snapshot["source"] == {"channel": "survey", "key": "7"}
        assert snapshot["submitter"]["name"] == "Bo Tester"
