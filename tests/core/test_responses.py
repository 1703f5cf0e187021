"""What a session becomes when it ends."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
from tests.support import surveying
from tests.support.surveying import Desk

from tellback.core import responses, tickets
from tellback.core.responses import Filter
from tellback.core.surveys import Reply, Respondent

pytestmark = pytest.mark.anyio

ANN = Respondent("Ann@Example.com", "+46 (70) 123-45 67", "Ann", "Tester", "ACME")
TEN = (Reply(choice=1), Reply(text="Good"), Reply(text="Fast"))
ZERO = (Reply(choice=2), Reply(text="Slow"), Reply(text="Dear"))


@pytest.fixture
async def desk(database_url: str) -> AsyncIterator[Desk]:
    async with surveying.desk(database_url) as open_desk:
        await open_desk.apply()
        yield open_desk


async def found(desk: Desk, wanted: Filter | None = None) -> list[responses.Response]:
    async with desk.db.reading() as reader:
        return await responses.queries.search(reader, desk.workspace_id, wanted or Filter(), None, 100)


async def feed(desk: Desk) -> list[str]:
    """The kinds of change since the desk was set up."""
    rows = await desk.rows("select kind from changes order by seq")
    kinds = [row["kind"] for row in rows]
    return kinds[kinds.index("configuration.changed") + 1 :]


async def test_becomes_a_response_with_its_score_and_comment(desk: Desk) -> None:
    await desk.take(await desk.survey(), *TEN)
    [response] = await found(desk)
    assert (response.kind, response.score, response.scores) == ("nps", 10.0, {"nps": 10})
    assert response.comment == "Good\n\nFast"
    assert (response.channel, response.source_key, response.survey) == ("api_session", "7", 7)
    assert response.complete
    assert response.contact is None
    assert response.account is None
    assert response.completed_at is not None
    assert response.sent_at is not None
    assert response.sent_at <= response.completed_at


async def test_knows_the_respondent(desk: Desk) -> None:
    await desk.take(await desk.survey(), *TEN, respondent=ANN)
    [response] = await found(desk, Filter(contact="ann@example.COM", account=" acme "))
    assert response.contact is not None
    assert (response.contact.email, response.contact.phone) == ("Ann@Example.com", "+46 (70) 123-45 67")
    assert (response.contact.first_name, response.contact.last_name) == ("Ann", "Tester")
    assert response.account is not None
    assert response.account[1] == "ACME"
    assert await found(desk, Filter(contact_id=response.contact.id)) == [response]
    assert await found(desk, Filter(contact_id=response.contact.id + 1)) == []
    assert await feed(desk) == [
        "account.created", "contact.created", "session.completed", "response.recorded",
    ]  # fmt: skip


async def test_finds_the_same_contact_and_account_again(desk: Desk) -> None:
    survey = await desk.survey()
    await desk.take(survey, *TEN, respondent=ANN)
    await desk.take(survey, *TEN, respondent=Respondent(email="ann@example.com", account="Acme"))
    await desk.take(survey, *TEN, respondent=Respondent(phone="+46701234567"))
    everyone = await found(desk)
    assert len({response.contact.id for response in everyone if response.contact}) == 1
    assert [response.account for response in everyone] == [everyone[0].account] * 3
    assert everyone[0].account is not None
    assert everyone[0].account[1] == "ACME"  # the first spelling stays


async def test_keeps_a_respondent_who_cannot_be_told_from_others_out_of_the_contacts(desk: Desk) -> None:
    await desk.take(await desk.survey(), *TEN, respondent=Respondent(first_name="Ann", account="ACME"))
    [response] = await found(desk)
    assert response.contact is None
    assert response.account is not None


async def test_makes_one_contact_of_many_at_once(desk: Desk) -> None:
    survey = await desk.survey()
    async with surveying.desk(desk.url) as other:
        other.workspace_id = desk.workspace_id
        await asyncio.gather(
            *(by.take(survey, *TEN, respondent=ANN) for by in (desk, other) for _ in range(15))
        )
    everyone = await found(desk)
    assert len(everyone) == 30
    assert len({response.contact.id for response in everyone if response.contact}) == 1
    assert len({response.account for response in everyone}) == 1
    assert await desk.value("select count(*) from contacts where email_key like 'ann@%'") == 1
    assert await desk.value("select count(*) from accounts") == 1
    kinds = await feed(desk)
    assert kinds.count("contact.created") == kinds.count("account.created") == 1


async def test_makes_a_ticket_of_a_low_score(desk: Desk) -> None:
    done = await desk.take(await desk.survey(), *ZERO, respondent=ANN)
    assert done is not None
    assert done.ticket is not None
    async with desk.db.reading() as reader:
        ticket = await tickets.find(reader, desk.workspace_id, done.ticket.display_id)
    assert ticket is not None
    assert ticket.subject == "How was it?: 0"
    assert ticket.body == "Would you recommend us?\n0\n\nWhy?\nSlow\n\nAnything else?\nDear"
    assert ticket.values == {"title": ticket.subject, "steps": ticket.body}
    assert (ticket.status, ticket.status_kind) == ("New", "open")
    assert (ticket.channel, ticket.source) == ("survey", "7")
    assert ticket.submitter is not None
    assert (ticket.submitter.email, ticket.submitter.name) == ("Ann@Example.com", "Ann Tester")
    assert await feed(desk) == [
        "ticket.created", "account.created", "contact.created", "session.completed", "response.recorded",
    ]  # fmt: skip


async def test_gives_the_ticket_of_a_stranger_the_default_submitter(desk: Desk) -> None:
    done = await desk.take(await desk.survey(), *ZERO)
    assert done is not None
    assert done.ticket is not None
    async with desk.db.reading() as reader:
        ticket = await tickets.find(reader, desk.workspace_id, str(done.ticket.id))
    assert ticket is not None
    assert ticket.submitter is not None
    assert ticket.submitter.email == "desk@demo.example"


async def test_makes_no_ticket_of_a_good_score(desk: Desk) -> None:
    done = await desk.take(await desk.survey(), *TEN)
    assert done is not None
    assert done.ticket is None


async def test_numbers_responses_in_the_order_of_their_commits(desk: Desk) -> None:
    survey = await desk.survey()
    await asyncio.gather(*(desk.take(survey, *TEN) for _ in range(40)))
    assert [response.id for response in await found(desk)] == list(range(1, 41))


async def test_logs_the_request_with_the_response_it_made(desk: Desk) -> None:
    done = await desk.take(await desk.survey(), *TEN)
    assert done is not None
    [made] = await desk.rows("select created_type, created_id from intake where created_id is not null")
    assert made == {"created_type": "response", "created_id": str(done.response_id)}


async def test_stores_nothing_of_a_completion_that_fails(desk: Desk) -> None:
    """The feed's row cannot be written, so neither is the session's last answer."""
    survey = await desk.survey()
    session = await desk.start(survey)
    for reply in TEN[:2]:
        await desk.store(await desk.judged(survey, session, reply))
        session = await desk.look(survey, session.token)
    await desk.rows("alter table changes add constraint full_up check (kind <> 'session.completed')")
    with pytest.raises(Exception, match="full_up"):
        await desk.store(await desk.judged(survey, session, TEN[2]))
    await desk.rows("alter table changes drop constraint full_up")
    assert not (await desk.look(survey, session.token)).complete
    assert await found(desk) == []
    assert await desk.store(await desk.judged(survey, session, TEN[2]))


async def test_keeps_what_was_answered_before_a_session_stood_still(desk: Desk) -> None:
    survey = await desk.survey()
    await desk.take(survey, Reply(choice=2), Reply(text="Slow"), respondent=ANN)
    await desk.start(survey)
    await desk.take(survey, *TEN)
    await desk.rows(
        "update sessions set started_at = now() - interval '40 days', active_at = now() - interval '31 days'"
    )
    put_away = await asyncio.gather(
        *(desk.db.write(lambda tx: responses.put_away_idle(tx, surveying.IDLE)) for _ in range(3))
    )
    assert sum(put_away) == 2  # the one with answers, the one without; not the complete one
    [partial] = await found(desk, Filter(complete=False))
    assert (partial.score, partial.comment, partial.completed_at) == (0.0, "Slow", None)
    assert partial.contact is not None
    assert await desk.value("select count(*) from tickets") == 0
    data = await desk.value("select data from changes where kind = 'response.recorded' and subject_id = '2'")
    assert json.loads(data)["complete"] is False


async def test_leaves_a_session_that_is_not_idle_for_long(desk: Desk) -> None:
    survey = await desk.survey()
    await desk.take(survey, Reply(choice=2))
    await desk.rows("update sessions set started_at = now() - interval '40 days'")
    assert await desk.db.write(lambda tx: responses.put_away_idle(tx, surveying.IDLE)) == 0
