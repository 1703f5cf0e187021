"""What a reply does to a session, without a database."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from tests.support.questions import choice, text, version

from tellback.core import errors
from tellback.core.surveys import Given, Move, Reply, Session, Version, rules

DAY = 86_400.0
BRANCHED = version(
    choice("Recommend", {"id": 1, "value": "10"}, {"id": 2, "value": "0", "goto": "Better"},
           {"id": 3, "value": "5", "end": True}, metric="nps"),
    text("Well", "feedback"),
    choice("Easy", {"id": 21, "value": "6.5"}, metric="ces"),
    text("Better", "feedback"),
)  # fmt: skip


def fresh(**changes: object) -> Session:
    session = Session(
        workspace_id=1, number=1, token="t", survey_id=7, version=1, channel="api", step=0, answers=(),
        respondent=None, metadata={}, started_at=datetime.now(UTC), idle=0.0, complete=False, expired=False,
    )  # fmt: skip
    return replace(session, **changes)  # type: ignore[arg-type]


def judged(session: Session, reply: Reply, about: Version = BRANCHED, at: int | None = None) -> Move:
    return rules.judge(session, about, reply, longest_idle=DAY, at=at)


def taken(*replies: Reply, about: Version = BRANCHED) -> Session:
    session = fresh()
    for reply in replies:
        session = replace(session, answers=judged(session, reply, about).answers)
    return session


def test_goes_to_the_next_question() -> None:
    move = judged(fresh(), Reply(choice=1))
    assert move.answers == (Given(0, answer=1),)
    assert move.next is not None
    assert move.next.title == "Well"


def test_goes_where_an_answer_leads() -> None:
    move = judged(fresh(), Reply(choice=2))
    assert move.next is not None
    assert move.next.title == "Better"


def test_ends_where_an_answer_ends_it() -> None:
    assert judged(fresh(), Reply(choice=3)).next is None


def test_ends_after_the_last_question() -> None:
    session = taken(Reply(choice=1), Reply(text="a"), Reply(choice=21))
    assert judged(session, Reply(text="b")).next is None


@pytest.mark.parametrize("reply", [Reply(), Reply(text="10"), Reply(choice=21), Reply(choice=0)])
def test_refuses_what_is_no_answer_of_the_question(reply: Reply) -> None:
    with pytest.raises(errors.Invalid) as refused:
        judged(fresh(), reply)
    assert [fault.where for fault in refused.value.faults] == [rules.CHOICE]


@pytest.mark.parametrize("reply", [Reply(), Reply(choice=1), Reply(text=" \n"), Reply(text="x" * 65_536)])
def test_refuses_what_is_no_text(reply: Reply) -> None:
    with pytest.raises(errors.Invalid) as refused:
        judged(taken(Reply(choice=1)), reply)
    assert [fault.where for fault in refused.value.faults] == [rules.TEXT]


def test_takes_nothing_more_once_complete_however_long_ago() -> None:
    with pytest.raises(errors.Conflict):
        judged(fresh(complete=True, idle=100 * DAY), Reply(choice=1))


def test_expires_after_standing_still_too_long() -> None:
    judged(fresh(idle=DAY), Reply(choice=1))
    for session in (fresh(idle=DAY + 1), fresh(expired=True)):
        with pytest.raises(errors.Gone):
            judged(session, Reply(choice=1))


def test_drops_the_later_path_when_an_earlier_question_is_answered_anew() -> None:
    session = taken(Reply(choice=1), Reply(text="a"), Reply(choice=21))
    move = judged(session, Reply(choice=2), at=0)
    assert move.answers == (Given(0, answer=2),)
    assert move.next is not None
    assert move.next.title == "Better"


def test_does_not_take_an_answer_to_a_question_off_the_path() -> None:
    for place in (1, 2, 9):
        with pytest.raises(errors.Conflict):
            judged(taken(Reply(choice=2)), Reply(text="a", choice=21), at=place)


def test_scores_the_first_answered_question_of_each_metric() -> None:
    session = taken(Reply(choice=1), Reply(text="Good"), Reply(choice=21), Reply(text="Nothing"))
    outcome = rules.outcome(BRANCHED, session.answers)
    assert (outcome.kind, outcome.score) == ("nps", 10.0)
    assert outcome.scores == {"nps": 10.0, "ces": 6.5}
    assert outcome.comment == "Good\n\nNothing"


def test_leaves_the_score_open_without_a_scored_question() -> None:
    about = version(text("A"), text("B", "feedback"))
    outcome = rules.outcome(about, taken(Reply(text="a"), Reply(text="b"), about=about).answers)
    assert (outcome.kind, outcome.score, outcome.scores, outcome.comment) == (None, None, {}, "b")


def test_counts_progress_along_the_longest_way() -> None:
    assert rules.progress(BRANCHED, ()) == (0, 4)
    assert rules.progress(BRANCHED, taken(Reply(choice=2)).answers) == (1, 2)
    assert rules.progress(BRANCHED, taken(Reply(choice=3)).answers) == (1, 1)


def test_makes_tokens_that_cannot_be_guessed() -> None:
    tokens = {rules.new_token() for _ in range(1000)}
    assert len(tokens) == 1000
    assert all(len(token) == 12 and token.isascii() and token.isalnum() for token in tokens)
