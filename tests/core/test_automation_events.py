"""Acting on events: rules, external destinations, subscriptions, schedules."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import msgspec
import pytest
from tests.support.automating import Automat, automat

from tellback.core import changes, intake, tickets
from tellback.core.automation import events
from tellback.core.automation.model import Action
from tellback.core.deliveries.definitions import Header
from tellback.core.windows import actions as windows
from tellback.core.windows.model import Heard, Listener, Window

pytestmark = pytest.mark.anyio

URL = "https://tracker.example/issues"


@pytest.fixture
async def hub(database_url: str) -> AsyncIterator[Automat]:
    async with automat(database_url) as made:
        yield made


async def test_does_a_rule_s_actions_in_order_and_tells_of_it(hub: Automat) -> None:
    await hub.webhook("jira", URL, body='{"t": {{ ticket.title | json }}}')
    await hub.rule(
        "escalate", "ticket.created", ("add_tag", "urgent"), ("set_field", {"field": "severity", "value": "High"}),
        ("assign", "ada@demo.example"), ("add_note", "See {{ ticket.display_id }}"), ("webhook", "jira"),
        ("set_status", "In progress"),
    )  # fmt: skip
    ticket = await hub.ticket('Says "no"')
    await hub.catch_up()
    document = await hub.document(ticket)
    assert (document["status"], document["tags"], document["assignee"]) == (
        "In progress",
        ["urgent"],
        "ada@demo.example",
    )
    assert document["values"]["severity"] == "High"
    assert await hub.runs() == [("escalate", "done", None)]
    (request,) = await hub.requests()
    assert msgspec.json.decode(request["body"]) == {"t": 'Says "no"'}
    told = await hub.timeline(ticket)
    assert f"See {document['display_id']}" in told
    assert any(note.startswith("Rule escalate ran on ticket.created") for note in told)


async def test_notes_unknown_tags_in_the_texts_of_a_rule_on_its_run_and_on_the_ticket(hub: Automat) -> None:
    ticket_of = {"project": "beta", "type": "bugs", "subject": "After {{ ticket.nobody }}{{ ticket.id }}"}
    await hub.rule(
        "texts", "ticket.created", ("add_note", "By {{ ticket.nobody }}."), ("create_ticket", ticket_of)
    )
    ticket = await hub.ticket()
    await hub.catch_up()
    assert (await hub.runs())[0] == ("texts", "done", "unknown tag ticket.nobody")
    told = await hub.timeline(ticket)
    assert "By ." in told
    assert (
        "Rule texts ran on ticket.created: add_note, create_ticket (warnings: unknown tag ticket.nobody)"
        in told
    )


async def test_lets_tags_name_all_that_is_known_of_the_submitter_and_its_account(hub: Automat) -> None:
    named = ("contact.first_name", "contact.phone", "contact.external.crm.tier", "account.segments.region")
    await hub.webhook("jira", URL, body=" ".join(f"{{{{ {name} }}}}" for name in named))
    await hub.rule("tell", "ticket.changed", ("webhook", "jira"))
    contact = await hub.value(
        """
        with account as (
          insert into accounts (workspace_id, name, segments) values (1, 'ACME', '{"region": "North"}') returning id
        )
        insert into contacts (workspace_id, email, email_key, first_name, phone, phone_key, external, account_id)
        select 1, 'a@b.c', 'a@b.c', 'Ann', '+461', '+461', '{"crm": {"tier": "gold"}}', id from account
        returning id
        """
    )
    ticket = await hub.ticket()
    await hub.value("update tickets set submitter_id = $1 where id = $2 returning id", contact, ticket)
    await hub.act(ticket, tickets.AddTag("vip"))
    await hub.catch_up()
    (request,) = await hub.requests()
    assert (request["body"], await hub.runs()) == ("Ann +461 gold North", [("tell", "done", None)])


async def test_acts_only_where_conditions_hold(hub: Automat) -> None:
    await hub.rule(
        "mine", "ticket.created", ("add_tag", "hit"), when={"type": "bugs", "status": ["New", "Other"]}
    )
    await hub.rule("other", "ticket.created", ("add_tag", "miss"), when={"status": "Closed"})
    ticket = await hub.ticket()
    await hub.catch_up()
    assert (await hub.document(ticket))["tags"] == ["hit"]


async def test_renders_the_state_as_of_the_event(hub: Automat) -> None:
    await hub.webhook(
        "jira",
        URL,
        body="{{ ticket.status }} {{ ticket.tags }}",
        headers=(Header("X-Id", "{{ ticket.id }}"),),
    )
    await hub.rule("tell", "ticket.created", ("webhook", "jira"))
    ticket = await hub.ticket()
    await hub.act(ticket, tickets.SetStatus("Closed"), tickets.AddTag("late"))
    await hub.catch_up()
    (request,) = await hub.requests()
    assert request["body"].startswith("New")
    assert ["X-Id", str(ticket)] in request["headers"]
    assert ["Tellback-Hop", "1"] in request["headers"]


async def test_lets_no_rule_trigger_itself(hub: Automat) -> None:
    await hub.rule("count", "ticket.changed", ("add_note", "again"))
    ticket = await hub.ticket()
    await hub.act(ticket, tickets.AddTag("go"))
    await hub.catch_up()
    assert await hub.runs() == [("count", "done", None)]


async def test_lets_no_two_rules_trigger_each_other_for_ever(hub: Automat) -> None:
    await hub.rule("ping", "ticket.changed", ("add_note", "ping"))
    await hub.rule("pong", "ticket.changed", ("add_note", "pong"))
    ticket = await hub.ticket()
    await hub.act(ticket, tickets.AddTag("go"))
    await hub.catch_up()
    assert sorted(await hub.runs()) == [("ping", "done", None)] * 2 + [("pong", "done", None)] * 2


async def test_stops_the_ninth_rule_of_a_chain(hub: Automat) -> None:
    for number in range(10):
        await hub.rule(
            f"r{number}",
            "ticket.changed",
            ("add_tag", f"t{number + 1}"),
            when={"tag": f"t{number}"},
            once=True,
        )
    ticket = await hub.ticket()
    await hub.act(ticket, tickets.AddTag("t0"))
    await hub.catch_up()
    runs = await hub.runs()
    assert [outcome for _, outcome, _ in runs] == ["done"] * 8 + ["stopped"]
    assert "r0 > r1" in str(runs[-1][2])
    assert "t9" not in (await hub.document(ticket))["tags"]


async def test_runs_once_for_a_subject_where_it_is_told_to(hub: Automat) -> None:
    await hub.rule("greet", "ticket.changed", ("add_note", "hello"), once=True)
    one, other = await hub.ticket(), await hub.ticket()
    for ticket in (one, one, other):
        await hub.act(ticket, tickets.AddTag(f"t{len(await hub.runs())}"))
        await hub.catch_up()
    assert len(await hub.runs()) == 2


async def test_records_a_run_that_fails_does_none_of_it_and_goes_on(hub: Automat) -> None:
    await hub.webhook("jira", URL)
    await hub.rule(
        "broken", "ticket.created", ("webhook", "jira"), ("add_tag", "half"), ("set_status", "Nowhere")
    )
    await hub.rule("unknown", "ticket.created", ("webhook", "nobody"))
    await hub.rule("fine", "ticket.created", ("add_tag", "whole"))
    ticket = await hub.ticket()
    await hub.catch_up()
    runs = await hub.runs()
    assert [(key, outcome) for key, outcome, _ in runs] == [
        ("broken", "failed"), ("unknown", "failed"), ("fine", "done"),
    ]  # fmt: skip
    assert "Nowhere" in str(runs[0][2])
    assert "nobody" in str(runs[1][2])
    assert (await hub.document(ticket))["tags"] == ["whole"]
    assert await hub.requests() == []
    assert any("Rule broken failed" in note for note in await hub.timeline(ticket))


async def test_is_blocked_by_no_poisoned_event(hub: Automat) -> None:
    await hub.rule("fine", "ticket.created", ("add_tag", "whole"), when={"score": {"below": 7}})
    await hub.rule("each", "ticket.created", ("add_tag", "seen"))
    await hub.rows(
        """
        insert into changes (workspace_id, seq, kind, subject_type, subject_id, actor, data, snapshot, origin)
        select 1, changes + 1, 'ticket.created', 'ticket', 'no number', 'x', '{}', '{"tags": 7, "project": [[]]}', '{}'
        from workspace_counters
        """
    )
    await hub.rows("update workspace_counters set changes = changes + 1")
    ticket = await hub.ticket()
    await hub.catch_up()
    assert (await hub.document(ticket))["tags"] == ["seen"]


async def test_sends_the_external_destination_of_a_status(hub: Automat) -> None:
    await hub.webhook("jira", URL, body="{{ ticket.status }}")
    await hub.on_entering("Fixed", "Jira")
    ticket = await hub.ticket()
    await hub.act(ticket, tickets.SetStatus("Fixed"))
    await hub.act(ticket, tickets.SetStatus("Closed"))
    await hub.catch_up()
    assert [request["body"] for request in await hub.requests()] == ["Fixed"]
    assert await hub.value("select forwarded from tickets where id = $1", ticket)


async def test_honours_the_switches_of_a_source(hub: Automat) -> None:
    await hub.webhook("jira", URL, body="{{ ticket.subject }}")
    await hub.on_entering("New", "jira")
    await hub.rule("tag", "ticket.created", ("add_tag", "ruled"))
    quiet = await hub.ticket("no rules", {"automation": False})
    still = await hub.ticket("no workflow", {"workflow": False})
    await hub.catch_up()
    assert [(await hub.document(ticket))["tags"] for ticket in (quiet, still)] == [[], ["ruled"]]
    assert [request["body"] for request in await hub.requests()] == ["no rules"]


async def test_tells_subscribers_in_the_standard_form(hub: Automat) -> None:
    await hub.subscription(
        "crm", "https://crm.example/in", "ticket.created", "ticket.status", when={"status": ["New"]}
    )
    ticket = await hub.ticket()
    await hub.act(ticket, tickets.SetStatus("Fixed"))
    await hub.catch_up()
    (request,) = await hub.requests()
    message = msgspec.json.decode(request["body"])
    assert set(message) == {"type", "timestamp", "data"}
    assert message["type"] == "ticket.created"
    assert message["data"]["id"] == ticket
    assert message["timestamp"].endswith("Z")
    assert request["method"] == "POST"


async def test_opens_tickets(hub: Automat) -> None:
    await hub.rule(
        "follow", "ticket.created",
        ("create_ticket", {"project": "beta", "type": "bugs", "subject": "Re: {{ ticket.title }}", "body": "b"}),
        when={"submitter": None},
    )  # fmt: skip
    await hub.ticket("First")
    await hub.catch_up()
    subjects = await hub.rows("select subject from tickets order by id")
    assert [row["subject"] for row in subjects] == ["First", "Re: First"]


async def test_keeps_a_schedule_over_all_tickets_that_match(hub: Automat) -> None:
    for number in range(450):
        await hub.ticket(f"n{number}")
    await hub.rule("age", "schedule", ("add_tag", "old"), when={"status": "New"}, every=3600)
    while await hub.reader.keep_schedule(hub.db):
        pass
    assert await hub.value("select count(*) from tickets where tags = '{old}'") == 450
    assert await hub.value("select next_at > now() + interval '59 minutes' from rules")


async def test_runs_a_listener_s_actions_and_counts_the_hop(hub: Automat) -> None:
    ticket = await hub.ticket()
    await hub.webhook("jira", URL)
    actions = (
        Action("set_status", "Fixed"),
        Action("add_note", "By {{ nobody }}."),
        Action("webhook", "jira"),
    )
    window = Window(1, 1, "fix", None, None, 1, Listener("fix", "feedback", "macro", do=actions))
    heard = Heard(window, ticket, "listener fix", {"hop": 2})
    entry = intake.NewEntry(
        workspace_id=1, request_id="r", surface="s", method="POST", endpoint="/", credential=None, target=None,
        status=200,
    )  # fmt: skip
    await hub.db.write(lambda tx: windows.HEAR.plain.apply(tx, [intake.Submission(heard, entry)]))
    assert await hub.value("select count(*) from changes where kind = 'ticket.status'") == 1
    assert ["Tellback-Hop", "3"] in (await hub.requests())[0]["headers"]
    assert "Listener fix ran with warnings: unknown tag nobody" in await hub.timeline(ticket)


async def test_acts_once_however_many_read(hub: Automat) -> None:
    await hub.rule("count", "ticket.created", ("add_note", "seen"))
    for _ in range(30):
        await hub.ticket()
    await asyncio.gather(*(events.Events().catch_up(hub.db) for _ in range(4)))
    await hub.catch_up()
    assert len(await hub.runs()) == 30


async def test_asks_for_a_project_of_tickets_alone_where_a_subscriber_lists_other_events(
    hub: Automat,
) -> None:
    events_ = ("ticket.created", "contact.created")
    await hub.subscription("mine", "https://mine.example/in", *events_, when={"project": "beta"})
    await hub.subscription("other", "https://other.example/in", *events_, when={"project": "gamma"})
    await hub.subscription("picky", "https://picky.example/in", *events_, when={"submitter": "x@y.z"})
    await hub.ticket()
    contact = await hub.value(
        "insert into contacts (workspace_id, email, email_key) values (1, 'a@b.c', 'a@b.c') returning id"
    )
    news = [changes.NewChange("contact.created", "contact", str(contact), "x")]
    await hub.db.write(lambda tx: changes.record(tx, 1, news))
    await hub.catch_up()
    told = [
        (request["url"], msgspec.json.decode(request["body"])["type"]) for request in await hub.requests()
    ]
    assert told == [
        ("https://mine.example/in", "ticket.created"),
        ("https://mine.example/in", "contact.created"),
        ("https://other.example/in", "contact.created"),
    ]


async def test_reads_events_of_people_too(hub: Automat) -> None:
    await hub.subscription("crm", "https://crm.example/in", "contact.created")
    contact = await hub.value(
        "insert into contacts (workspace_id, email, email_key) values (1, 'a@b.c', 'a@b.c') returning id"
    )
    news = [changes.NewChange("contact.created", "contact", str(contact), "x")]
    await hub.db.write(lambda tx: changes.record(tx, 1, news))
    await hub.catch_up()
    (request,) = await hub.requests()
    assert msgspec.json.decode(request["body"])["data"]["email"] == "a@b.c"
