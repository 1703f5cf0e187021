"""How a ticket stands to what was promised."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tellback.core import tickets
from tellback.core.projects import FeedbackType, Promise, Status
from tellback.core.tickets import work_rules
from tellback.core.tickets.sla import REFRESH, Course, Sla, assess
from tellback.core.tickets.work_model import Action, Work
from tellback.core.tickets.work_rules import Scene

ARRIVAL = datetime(2026, 3, 2, 12, tzinfo=UTC)
HOUR = 3600
TYPE = FeedbackType(
    1, "bugs", "Bug", "BUG", 4,
    (Status("New", "open"), Status("Fixed", "answered"), Status("Closed", "closed")), (),
)  # fmt: skip


def at(seconds: float) -> datetime:
    return ARRIVAL + timedelta(seconds=seconds)


BOTH = Promise(response=4 * HOUR, handling=48 * HOUR, warn_before=HOUR)


@pytest.mark.parametrize(
    ("hours", "standing", "next"),
    [
        (0, (False, 0, True), 3),
        (2.9, (False, 0, True), 3),
        (3, (False, 1, True), 4),
        (4, (False, 2, False), 47),
        (47, (False, 2, False), 48),
        (48, (True, 2, False), None),
        (99, (True, 2, False), None),
    ],
)
def test_goes_from_in_time_to_warned_to_past(
    hours: float, standing: tuple[bool, int, bool], next: int | None
) -> None:
    sla, moment = assess(Course(ARRIVAL), BOTH, at(hours * HOUR))
    assert sla.standing == standing
    assert moment == (None if next is None else at(next * HOUR))


def test_forgets_no_promise_that_was_missed_but_expects_only_what_is_open() -> None:
    late = Course(ARRIVAL, first_answered_at=at(5 * HOUR))
    sla, moment = assess(late, BOTH, at(6 * HOUR))
    assert sla == Sla(False, 0, 0, 5 * HOUR, within_sla=False)
    assert moment == at(47 * HOUR)


def test_has_nothing_due_once_it_is_closed() -> None:
    kept = Course(ARRIVAL, first_answered_at=at(60), ended_at=at(90))
    assert assess(kept, BOTH, at(1000 * HOUR)) == (Sla(response_time=60), None)
    unanswered = Course(ARRIVAL, ended_at=at(90))
    assert assess(unanswered, BOTH, at(1000 * HOUR)) == (Sla(), None)
    late = Course(ARRIVAL, first_answered_at=at(60), ended_at=at(50 * HOUR))
    assert assess(late, BOTH, at(51 * HOUR))[0].standing == (False, 0, False)


def test_measures_without_a_promise() -> None:
    worked = Course(ARRIVAL, at(90), None, handled_s=30.5, handling_since=at(100))
    sla, moment = assess(worked, None, at(110))
    assert sla == Sla(False, 0, 40, 90, True)
    assert moment == at(110) + REFRESH


def test_warns_of_nothing_where_no_warning_was_asked_for() -> None:
    promise = Promise(response=HOUR, handling=None, warn_before=None)
    assert assess(Course(ARRIVAL), promise, at(HOUR - 1)) == (Sla(), at(HOUR))


# Against a model that looks at a ticket once a second, and knows no dates.

HORIZON = 120
ACTIONS: list[Action] = [
    tickets.Acquire(), tickets.Release(), tickets.Close(), tickets.Reopen(), tickets.SetStatus("Fixed"),
    tickets.Answer("Re", "Done"), tickets.Answer("Re", "Done", close=True), tickets.Delete(),
]  # fmt: skip
Happening = dict[int, Action]

happenings = st.dictionaries(st.integers(0, HORIZON - 1), st.sampled_from(ACTIONS), max_size=8)
seconds = st.none() | st.integers(2, HORIZON)


@st.composite
def promises(draw: st.DrawFn) -> Promise | None:
    if not draw(st.booleans()):
        return None
    response, handling = draw(seconds), draw(seconds)
    shortest = min((one for one in (response, handling) if one is not None), default=2)
    return Promise(response, handling, draw(st.none() | st.integers(1, shortest - 1)))


def course(happening: Happening, until: int) -> Course:
    """What the rules of work make of it."""
    work = Work(1, "BUG-1", "beta", TYPE, "New", "open", "", {}, None, None, ())
    for second in sorted(happening):
        if second < until and work.deleted_at is None:
            scene = Scene("Alice Agent", at(second), {})
            work = work_rules.decide(work, [happening[second]], scene).after
    return Course(
        ARRIVAL,
        work.first_answered_at,
        work.closed_at or work.deleted_at,
        work.handled_s,
        work.handling_since,
    )


def watched(happening: Happening, promise: Promise | None, now: int) -> Sla:
    """The model: second by second."""
    acquired = deleted = False
    status, handled = "open", 0
    answered: int | None = None
    ended: int | None = None
    for second in range(now):
        action = happening.get(second)
        if action is not None and not deleted:
            match action:
                case tickets.Acquire():
                    acquired = True
                case tickets.Release():
                    acquired = False
                case tickets.Reopen():
                    status = "open"
                case tickets.Close() | tickets.Answer(close=True):
                    status = "closed"
                case tickets.SetStatus() | tickets.Answer():
                    status = "answered"
                case tickets.Delete():
                    deleted = True
            if isinstance(action, tickets.Answer | tickets.SetStatus) and answered is None:
                answered = second
            over = status == "closed" or deleted
            ended = (second if ended is None else ended) if over else None
        handled += acquired and status != "closed" and not deleted
    limits = promise or Promise(None, None, None)
    waits = [(limits.handling, ended), (limits.response, ended if answered is None else answered)]
    dues = [(due, kept) for due, kept in waits if due is not None]
    open_ones = [due for due, kept in dues if kept is None]
    expiry = 0
    if any(now >= due - (limits.warn_before or 0) for due in open_ones):
        expiry = 2 if any(now >= due for due in open_ones) else 1
    return Sla(
        done_due=limits.handling is not None and ended is None and now >= limits.handling,
        expiry=expiry,  # type: ignore[arg-type]
        handling_time=handled,
        response_time=answered or 0,
        within_sla=all((now if kept is None else kept) < due for due, kept in dues),
    )


@settings(max_examples=300)
@given(happenings, promises(), st.integers(0, HORIZON))
def test_says_what_looking_every_second_says(happening: Happening, promise: Promise | None, now: int) -> None:
    assert assess(course(happening, now), promise, at(now))[0] == watched(happening, promise, now)


@settings(max_examples=300)
@given(happenings, promises(), st.integers(0, HORIZON))
def test_is_told_when_time_changes_it(happening: Happening, promise: Promise | None, now: int) -> None:
    """Between now and the moment it names nothing changes but the time that work takes."""
    whole = course(happening, now)
    sla, moment = assess(whole, promise, at(now))
    last = 2 * HORIZON if moment is None else min(2 * HORIZON, (moment - ARRIVAL).total_seconds())
    for later in range(now, int(last)):
        assert assess(whole, promise, at(later))[0].standing == sla.standing
    if moment is not None:
        assert moment > at(now)
