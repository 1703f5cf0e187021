"""Work on tickets, stored."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.support import ticketing
from tests.support.ticketing import ALICE, ARON, Office

from tellback.core import errors, tickets
from tellback.core.tickets import By, ToOpen

pytestmark = pytest.mark.anyio


@pytest.fixture
async def office(database_url: str) -> AsyncIterator[Office]:
    async with ticketing.office(database_url) as opened:
        yield opened


async def test_stores_an_action_with_its_timeline_and_its_news(office: Office) -> None:
    ticket = await office.file()
    acted = await office.act(ticket.id, tickets.SetStatus("Fixed"))
    assert acted.changed
    stored = await office.ticket(ticket.id)
    assert (stored.status, stored.status_kind) == ("Fixed", "answered")
    assert stored.answered_at == stored.changed_at
    assert stored.changed_at > stored.created_at
    assert await office.notes(ticket.id) == [
        f"Ticket {ticket.display_id} was created by source App",
        f"Ticket {ticket.display_id} was moved from New to Fixed by Alice Agent",
    ]
    created, moved = await office.feed(ticket.id)
    assert (created.kind, moved.kind, moved.actor) == ("ticket.created", "ticket.status", "Alice Agent")
    assert moved.data == {
        "display_id": ticket.display_id, "project": "beta", "type": "bugs", "status": "Fixed", "from": "New",
    }  # fmt: skip
    assert (moved.snapshot, moved.origin) == (None, None)


async def test_raises_the_revision_once_a_transaction(office: Office) -> None:
    ticket = await office.file()
    await office.act(ticket.id, tickets.AddTag("red"), tickets.SetPriority("high"), tickets.AddNote("Look"))
    row = await office.row(ticket.id)
    assert (row["revision"], row["tags"], row["priority"]) == (2, ["red"], "high")
    assert [one.kind for one in await office.feed(ticket.id)] == ["ticket.created", *["ticket.changed"] * 3]


async def test_writes_nothing_where_nothing_changes(office: Office) -> None:
    ticket = await office.file()
    before = await office.row(ticket.id)
    acted = await office.act(ticket.id, tickets.SetStatus("New"), tickets.Release())
    assert (acted.changed, acted.news) == (False, [])
    assert await office.row(ticket.id) == before
    assert len(await office.notes(ticket.id)) == 1


async def test_does_all_of_it_or_none(office: Office) -> None:
    ticket = await office.file()
    with pytest.raises(errors.Invalid):
        await office.act(ticket.id, tickets.SetStatus("Fixed"), tickets.AddTag(""))
    assert (await office.row(ticket.id))["revision"] == 1


async def test_knows_only_the_tickets_of_its_workspace(office: Office) -> None:
    ticket = await office.file()
    with pytest.raises(errors.NotFound):
        await office.act(ticket.id + 1, tickets.Close())
    office.workspace_id += 1
    with pytest.raises(errors.NotFound):
        await office.act(ticket.id, tickets.Close())


async def test_numbers_every_tag_once(office: Office) -> None:
    first, second = await office.file(), await office.file()
    await office.act(first.id, tickets.AddTag("red"), tickets.AddTag("blue"))
    await office.act(second.id, tickets.AddTag("blue"))
    await office.act(second.id, tickets.RemoveTag("blue"))
    assert [row["name"] for row in await office.rows("select name from tags order by name")] == [
        "blue",
        "red",
    ]


async def test_assigns_to_members_alone(office: Office) -> None:
    ticket = await office.file()
    await office.act(ticket.id, tickets.Assign("Aron@demo.example"))
    assert (await office.ticket(ticket.id)).assignee == "aron@demo.example"
    await office.act(ticket.id, tickets.Assign(None))
    assert (await office.ticket(ticket.id)).assignee is None
    with pytest.raises(errors.Invalid):
        await office.act(ticket.id, tickets.Assign("bo@example.com"))


async def test_keeps_every_answer_and_gives_each_a_page(office: Office) -> None:
    ticket = await office.file()
    await office.act(ticket.id, tickets.Answer("Re", "First"))
    await office.act(ticket.id, tickets.Answer("Re", "Second", close=True), by=ARON)
    answers = await office.rows("select * from answers order by id")
    assert [(one["actor"], one["body"]) for one in answers] == [
        ("Alice Agent", "First"), ("Aron Agent", "Second"),
    ]  # fmt: skip
    tokens = {one["page_token"] for one in answers}
    assert len(tokens) == 2
    assert all(len(token) >= 32 for token in tokens)
    stored = await office.ticket(ticket.id)
    assert stored.status == "Closed"
    assert stored.answered_at == stored.closed_at


async def test_gives_no_page_where_no_question_is_asked(office: Office) -> None:
    ticket = await office.file("Blue", type="ideas", values={"text": "Blue"})
    await office.act(ticket.id, tickets.Answer("Re", "Thanks"))
    assert await office.value("select page_token from answers") is None


async def test_takes_two_at_once_one_after_the_other(office: Office) -> None:
    ticket = await office.file()
    await asyncio.gather(*(office.act(ticket.id, tickets.AddTag(f"tag {n}")) for n in range(8)))
    row = await office.row(ticket.id)
    assert (row["revision"], len(row["tags"])) == (9, 8)
    times = [item["at"] for item in await office.rows("select at from timeline order by id")]
    assert times == sorted(times)


async def test_tells_automation_how_the_ticket_was(office: Office) -> None:
    await office.automate()
    ticket = await office.file()
    origin = {"depth": 1, "rules": ["bugs-to-jira"]}
    await office.act(ticket.id, tickets.AddTag("red"), by=By("rule bugs-to-jira", origin))
    await office.act(ticket.id, tickets.SetStatus("Closed"))
    _, tagged, closed = await office.feed(ticket.id)
    assert tagged.snapshot is not None
    assert closed.snapshot is not None
    assert (tagged.snapshot["tags"], tagged.snapshot["status"]) == (["red"], "New")
    assert closed.snapshot["status"] == "Closed"
    assert (tagged.origin, closed.origin) == (origin, None)


async def test_opens_a_ticket_by_itself(office: Office) -> None:
    opened = await office.open(ToOpen("Beta", "BUGS", "Look into it", "It came up again."), By("rule again"))
    ticket = await office.ticket(opened.id)
    assert (ticket.display_id, ticket.channel, ticket.source) == (opened.display_id, "rule", None)
    assert (ticket.subject, ticket.body, ticket.status) == ("Look into it", "It came up again.", "New")
    assert ticket.values == {"title": "Look into it", "steps": "It came up again."}
    [created] = await office.feed(opened.id)
    assert (created.kind, created.data["display_id"]) == ("ticket.created", opened.display_id)
    assert await office.notes(opened.id) == [f"Ticket {opened.display_id} was created by rule again"]


async def test_keeps_a_body_that_no_element_holds(office: Office) -> None:
    opened = await office.open(ToOpen("beta", "ideas", "x" * 300, "The body"))
    ticket = await office.ticket(opened.id)
    assert (len(ticket.subject), ticket.body) == (255, "The body")


async def test_files_a_reply_in_the_thread(office: Office) -> None:
    first = await office.file()
    second = await office.open(ToOpen("beta", "bugs", "Re", "More", reply_to=first.id))
    third = await office.open(ToOpen("beta", "bugs", "Re", "Yet more", reply_to=second.id))
    rows = [await office.row(id) for id in (first.id, second.id, third.id)]
    assert [(row["thread_id"], row["reply_to"]) for row in rows] == [
        (None, None), (first.id, first.id), (first.id, second.id),
    ]  # fmt: skip
    assert [row["revision"] for row in rows] == [2, 2, 1]
    assert [one.kind for one in await office.feed(first.id)] == ["ticket.created", "ticket.changed"]
    assert (await office.notes(first.id))[-1] == (
        f"Ticket {first.display_id} was replied to with ticket {second.display_id} by Alice Agent"
    )


@pytest.mark.parametrize(
    ("new", "kind"),
    [
        ({"project": "gamma"}, errors.Invalid),
        ({"type": "nope"}, errors.Invalid),
        ({"reply_to": 99}, errors.NotFound),
    ],
)
async def test_opens_nothing_where_it_does_not_fit(
    office: Office, new: dict[str, Any], kind: type[Exception]
) -> None:
    with pytest.raises(kind):
        await office.open(ToOpen(**({"project": "beta", "type": "bugs", "subject": "s", "body": "b"} | new)))
    assert await office.value("select count(*) from tickets") == 0
    assert await office.value("select tickets from workspace_counters") == 0


async def test_goes_on_counting_where_sources_do(office: Office) -> None:
    filed = await office.file()
    opened = await office.open(ToOpen("beta", "bugs", "s", "b"), ALICE)
    again = await office.file()
    assert [filed.display_id, opened.display_id, again.display_id] == ["BUG-0001", "BUG-0002", "BUG-0003"]
