"""Replies that race for one question: exactly one counts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest
from tests.support import surveying
from tests.support.surveying import Desk

from tellback.core import errors, intake, responses, surveys
from tellback.core.responses import Completed
from tellback.core.surveys import Reply, Session, Survey

pytestmark = pytest.mark.anyio

TEN, ZERO = Reply(choice=1), Reply(choice=2)


@pytest.fixture
async def desk(database_url: str) -> AsyncIterator[Desk]:
    async with surveying.desk(database_url) as open_desk:
        await open_desk.apply()
        yield open_desk


async def at_the_last_question(desk: Desk, survey: Survey) -> Session:
    session = await desk.start(survey)
    for reply in (ZERO, Reply(text="a")):
        await desk.store(await desk.judged(survey, session, reply))
        session = await desk.look(survey, session.token)
    return session


async def test_takes_the_first_of_two_judged_at_the_same_step_in_both_orders(desk: Desk) -> None:
    survey = await desk.survey()
    for first, second in ((TEN, ZERO), (ZERO, TEN)):
        session = await desk.start(survey)
        judged = [await desk.judged(survey, session, reply) for reply in (first, second)]
        await desk.store(judged[0])
        with pytest.raises(errors.Conflict):
            await desk.store(judged[1])
        after = await desk.look(survey, session.token)
        assert [one.answer for one in after.answers] == [first.choice]
        assert after.step == 1


async def test_takes_one_of_two_in_one_batch(desk: Desk) -> None:
    survey = await desk.survey()
    session = await desk.start(survey)
    moves = [(await desk.judged(survey, session, reply)).move for reply in (TEN, ZERO, TEN)]
    entries = [desk.entry() for _ in moves]
    stored = await desk.db.write(lambda tx: surveys.queries.move_many(tx, moves, entries))
    assert len(stored) == 1
    after = await desk.look(survey, session.token)
    assert [one.answer for one in after.answers] == [moves[stored.pop()].answers[0].answer]
    assert await desk.value("select count(*) from intake where target = '7'") == 2  # the start and one move


async def test_waits_for_the_other_transaction_and_then_gives_way(desk: Desk) -> None:
    """Two transactions at once, the loser already waiting for the row when the winner commits."""
    survey = await desk.survey()
    session = await desk.start(survey)
    winning, losing = [(await desk.judged(survey, session, reply)).move for reply in (TEN, ZERO)]
    connection = await asyncpg.connect(desk.url)
    try:
        transaction = connection.transaction()
        await transaction.start()
        assert await surveys.queries.move_many(connection, [winning], [desk.entry()]) == {0}
        waiting = asyncio.create_task(
            desk.db.write(lambda tx: surveys.queries.move_many(tx, [losing], [desk.entry()]))
        )
        await locked(desk)
        assert not waiting.done()
        await transaction.commit()
        assert await waiting == set()
    finally:
        await connection.close()
    assert [one.answer for one in (await desk.look(survey, session.token)).answers] == [TEN.choice]


async def locked(desk: Desk) -> None:
    """Wait until somebody waits for a row."""
    for _ in range(500):
        waiting = await desk.value(
            "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"
        )
        if waiting:
            return
        await asyncio.sleep(0.01)
    raise AssertionError("nobody waits")


async def test_completes_a_session_once_however_many_race(desk: Desk) -> None:
    survey = await desk.survey()
    for _ in range(5):
        session = await at_the_last_question(desk, survey)
        judged = [await desk.judged(survey, session, Reply(text=str(n))) for n in range(20)]
        outcomes = await asyncio.gather(*(desk.store(one) for one in judged), return_exceptions=True)
        won = [n for n, outcome in enumerate(outcomes) if isinstance(outcome, Completed)]
        assert len(won) == 1
        assert all(isinstance(one, errors.Conflict) for n, one in enumerate(outcomes) if n not in won)
        after = await desk.look(survey, session.token)
        assert [one.text for one in after.answers[1:]] == ["a", str(won[0])]
    assert await desk.value("select count(*) from responses") == 5
    assert await desk.value("select count(*) from tickets") == 5


async def test_leaves_the_neighbours_of_a_lost_move_stored(desk: Desk) -> None:
    survey = await desk.survey()
    lost, *others = [await desk.start(survey) for _ in range(4)]
    moves = [(await desk.judged(survey, session, TEN)).move for session in (lost, *others)]
    await desk.store(await desk.judged(survey, lost, ZERO))
    outcomes = await asyncio.gather(
        *(desk.commits.write(surveys.MOVE.plain, intake.Submission(move, desk.entry())) for move in moves),
        return_exceptions=True,
    )
    assert [isinstance(one, errors.Conflict) for one in outcomes] == [True, False, False, False]
    assert [len((await desk.look(survey, one.token)).answers) for one in others] == [1, 1, 1]


async def test_leaves_the_key_of_a_lost_reply_free(desk: Desk) -> None:
    survey = await desk.survey()
    session = await at_the_last_question(desk, survey)
    losing, winning = [await desk.judged(survey, session, Reply(text=text)) for text in ("late", "soon")]
    await desk.store(winning)
    key = intake.Key(b"k" * 32, b"f" * 32)

    def kept(_: Completed) -> intake.KeptAnswer:
        return intake.KeptAnswer(200, {}, b"")

    with pytest.raises(errors.Conflict):
        await desk.commits.write(responses.COMPLETE.keyed, intake.Submission(losing, desk.entry(), key, kept))
    assert await desk.value("select count(*) from kept_answers") == 0


async def test_never_records_both_of_two_clients_at_once(desk: Desk) -> None:
    """Each of two clients reads, judges and stores, again and again, as two processes would."""
    async with surveying.desk(desk.url) as other:
        other.workspace_id = desk.workspace_id
        survey = await desk.survey()
        for _ in range(40):
            session = await desk.start(survey)

            async def reply(by: Desk, text: Reply, token: str = session.token) -> bool:
                try:
                    await by.store(await by.judged(survey, await by.look(survey, token), text))
                except (errors.Conflict, errors.Invalid):
                    return False
                return True

            counted = await asyncio.gather(reply(desk, TEN), reply(other, ZERO))
            assert sum(counted) == 1
            after = await desk.look(survey, session.token)
            assert [one.answer for one in after.answers] == [1 if counted[0] else 2]
