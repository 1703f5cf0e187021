"""What an action makes of a ticket."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tellback.core import errors, tickets
from tellback.core.projects import Element, FeedbackType, Opinion, Satisfaction, Status
from tellback.core.tickets import work_rules
from tellback.core.tickets.work_model import Action, Assignee, Step, Work
from tellback.core.tickets.work_rules import Scene

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
SATISFACTION = Satisfaction("How did we do?", (Opinion("Good", 1), Opinion("Bad", 0)))


def element(key: str, type: Any, **more: Any) -> Element:
    members: dict[str, Any] = {
        "required": False,
        "role": None,
        "options": (),
        "choices": {},
        "lowest": 0,
        "highest": 0,
    }
    return Element(key, key.title(), type, **(members | more))


SEVERITIES = {"Low": "Low", "High": "High", "P1": "High"}
DEVICES = {"Phone": "Phone", "Tablet": "Tablet"}
BUGS = FeedbackType(
    1, "bugs", "Bug report", "BUG", 4,
    (Status("New", "open"), Status("Busy", "open"), Status("Fixed", "answered"), Status("Closed", "closed")),
    (
        element("title", "text", required=True, role="subject"),
        element("severity", "single_choice", options=("Low", "High"), choices=SEVERITIES),
        element("devices", "multiple_choice", options=("Phone", "Tablet"), choices=DEVICES),
        element("stars", "rating_scale", lowest=1, highest=5),
        element("log", "file"),
    ),
    satisfaction=SATISFACTION,
)  # fmt: skip
TICKET = Work(
    7, "BUG-0007", "beta", BUGS, "New", "open", "It crashes", {"title": "It crashes"}, None, None, ()
)
ALICE = Assignee(3, "alice@demo.example", "Alice Agent")


def decide(work: Work, *actions: Action, at: datetime = NOON, actor: str = "Aron Agent") -> Step:
    return work_rules.decide(work, actions, Scene(actor, at, {"alice@demo.example": ALICE}))


def kinds(step: Step) -> list[str]:
    return [kind for kind, _ in step.events]


def test_moves_to_a_status_and_tells_from_which() -> None:
    step = decide(TICKET, tickets.SetStatus("Busy"))
    assert (step.after.status, step.after.status_kind) == ("Busy", "open")
    assert [note.text for note in step.notes] == ["Ticket BUG-0007 was moved from New to Busy by Aron Agent"]
    assert step.events == (
        ("ticket.status", {"display_id": "BUG-0007", "project": "beta", "type": "bugs", "status": "Busy", "from": "New"}),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("status", "answered", "closed"),
    [("Busy", None, None), ("Fixed", NOON, None), ("Closed", None, NOON)],
)
def test_keeps_when_it_was_answered_and_closed(
    status: str, answered: datetime | None, closed: datetime | None
) -> None:
    after = decide(TICKET, tickets.SetStatus(status)).after
    assert (after.answered_at, after.first_answered_at, after.closed_at) == (answered, answered, closed)


def test_waits_for_an_answer_again_once_reopened_and_remembers_the_first() -> None:
    closed = decide(TICKET, tickets.Answer("Re", "Done", close=True)).after
    assert (closed.status, closed.answered_at, closed.closed_at) == ("Closed", NOON, NOON)
    step = decide(closed, tickets.Reopen(), at=NOON + timedelta(hours=1))
    assert (step.after.status, step.after.answered_at, step.after.closed_at) == ("New", None, None)
    assert step.after.first_answered_at == NOON
    assert kinds(step) == ["ticket.status"]


def test_answers_and_moves_to_the_answered_status() -> None:
    step = decide(TICKET, tickets.Answer("Re: it", "Please update."))
    assert step.after.status == "Fixed"
    assert kinds(step) == ["ticket.answered", "ticket.status"]
    assert [note.text for note in step.notes] == ["Ticket BUG-0007 was answered by Aron Agent"]
    [answer] = step.answers
    assert (answer.subject, answer.body, answer.page) == ("Re: it", "Please update.", SATISFACTION)


def test_answers_and_closes_in_one_line() -> None:
    step = decide(TICKET, tickets.Answer("Re: it", "Please update.", close=True))
    assert step.after.status == "Closed"
    assert [note.text for note in step.notes] == ["Ticket BUG-0007 was answered and closed by Aron Agent"]


def test_answers_where_no_status_says_so() -> None:
    ideas = replace(TICKET, type=replace(BUGS, statuses=(Status("New", "open"),)))
    step = decide(ideas, tickets.Answer("Re", "Thanks", close=True))
    assert (step.after.status, step.after.answered_at, step.after.closed_at) == ("New", NOON, None)
    assert kinds(step) == ["ticket.answered"]
    assert step.notes[0].text == "Ticket BUG-0007 was answered by Aron Agent"


def test_answers_again_without_moving() -> None:
    fixed = decide(TICKET, tickets.Answer("Re", "First")).after
    step = decide(fixed, tickets.Answer("Re", "Second"), at=NOON + timedelta(days=1))
    assert kinds(step) == ["ticket.answered"]
    assert (step.after.first_answered_at, step.after.answered_at) == (NOON, NOON + timedelta(days=1))


@pytest.mark.parametrize("action", [tickets.Close(), tickets.Reopen()])
def test_refuses_a_move_its_type_has_no_status_for(action: Action) -> None:
    other = "closed" if isinstance(action, tickets.Reopen) else "open"
    bare = replace(TICKET, status_kind=other, type=replace(BUGS, statuses=(Status("Only", "answered"),)))
    with pytest.raises(errors.Invalid, match="'Bug report' has no status"):
        decide(bare, action)


@pytest.mark.parametrize(
    ("field", "value", "stored"),
    [
        ("severity", "P1", "High"),
        ("severity", "Low", "Low"),
        ("devices", ["Phone"], ["Phone"]),
        ("devices", "Tablet", ["Tablet"]),
        ("stars", "4", 4),
        ("title", 5, "5"),
    ],
)
def test_takes_a_field_as_a_mapping_would(field: str, value: Any, stored: Any) -> None:
    assert decide(TICKET, tickets.SetField(field, value)).after.values[field] == stored


def test_keeps_the_subject_with_its_element() -> None:
    assert decide(TICKET, tickets.SetField("title", "It still crashes")).after.subject == "It still crashes"


def test_clears_a_field_that_may_be_empty() -> None:
    rated = decide(TICKET, tickets.SetField("stars", 4)).after
    assert decide(rated, tickets.SetField("stars", None)).after.values == {"title": "It crashes"}


def test_repeats_nothing_that_people_wrote_in_its_timeline_and_feed() -> None:
    step = decide(TICKET, tickets.SetField("title", "my name is Bo"))
    assert "Bo" not in f"{step.notes}{step.events}"


@pytest.mark.parametrize(
    ("action", "where", "words"),
    [
        (tickets.SetStatus("Nope"), "status", "no status 'Nope'; allowed are 'New', 'Busy', 'Fixed', 'Closed'"),
        (tickets.SetField("nope", 1), "field", "no field 'nope'; there are 'title'"),
        (tickets.SetField("title", ""), "value", "'title' is required"),
        (tickets.SetField("severity", "Awful"), "value", "matches no option (Awful); allowed are 'Low', 'High'"),
        (tickets.SetField("stars", 6), "value", "whole numbers from 1 to 5"),
        (tickets.SetField("stars", True), "value", "is a boolean"),
        (tickets.SetField("title", "x" * 256), "value", "256 characters long; 255 are allowed"),
        (tickets.SetField("log", "crash.txt"), "value", "stands for a file"),
        (tickets.Assign("nobody@demo.example"), "assignee", "no member 'nobody@demo.example'"),
        (tickets.AddTag("  "), "tag", "at least one character"),
        (tickets.AddTag("x" * 101), "tag", "101 characters long; 100 are allowed"),
        (tickets.AddNote(" "), "note", "empty"),
        (tickets.AddNote("x" * 65_536), "note", "65536 characters"),
        (tickets.Answer("Re", " "), "body", "no body"),
        (tickets.Answer("x" * 256, "b"), "subject", "256 characters"),
        (tickets.SetPriority("x" * 101), "priority", "101 characters"),
    ],
)  # fmt: skip
def test_refuses_what_does_not_fit_in_words(action: Action, where: str, words: str) -> None:
    with pytest.raises(errors.Invalid) as refused:
        decide(TICKET, action)
    [fault] = refused.value.faults
    assert fault.where == where
    assert words in fault.message


def test_names_every_fault_of_several_actions() -> None:
    with pytest.raises(errors.Invalid) as refused:
        decide(TICKET, tickets.SetStatus("Nope"), tickets.AddTag("ok"), tickets.AddNote(""))
    assert [fault.where for fault in refused.value.faults] == ["status", "note"]


def test_refuses_a_tag_too_many() -> None:
    full = replace(TICKET, tags=tuple(f"tag {n}" for n in range(work_rules.MOST_TAGS)))
    with pytest.raises(errors.Invalid, match="at most 100 tags"):
        decide(full, tickets.AddTag("one more"))


def test_assigns_by_e_mail_in_any_case_and_takes_it_back() -> None:
    step = decide(TICKET, tickets.Assign(" Alice@Demo.example"))
    assert step.after.assignee_id == ALICE.id
    assert step.notes[0].text == "Ticket BUG-0007 was assigned to Alice Agent by Aron Agent"
    assert decide(step.after, tickets.Assign(None)).after.assignee_id is None


@pytest.mark.parametrize(
    "action",
    [
        tickets.SetStatus("New"), tickets.Reopen(), tickets.SetField("title", "It crashes"),
        tickets.SetField("severity", None), tickets.Assign(None), tickets.RemoveTag("none"),
        tickets.SetPriority(None), tickets.SetPriority(" "), tickets.Release(),
    ],
)  # fmt: skip
def test_does_nothing_where_nothing_changes(action: Action) -> None:
    step = decide(TICKET, action)
    assert (step.after, step.notes, step.events, step.answers) == (TICKET, (), (), ())


def test_does_nothing_the_second_time() -> None:
    for action in (tickets.AddTag("red"), tickets.SetPriority("high"), tickets.Acquire(), tickets.Close(),
                   tickets.Assign("alice@demo.example"), tickets.Delete()):  # fmt: skip
        once = decide(TICKET, action)
        assert len(once.events) == 1, action
        assert decide(once.after, action).events == (), action


def test_leaves_a_deleted_ticket_alone() -> None:
    deleted = decide(TICKET, tickets.Delete())
    assert kinds(deleted) == ["ticket.deleted"]
    with pytest.raises(errors.Invalid, match="is deleted"):
        decide(deleted.after, tickets.AddNote("still here?"))


def test_adds_up_the_spans_in_which_it_was_acquired_and_not_closed() -> None:
    def later(minutes: int) -> datetime:
        return NOON + timedelta(minutes=minutes)

    work = decide(TICKET, tickets.Acquire(), at=later(0)).after
    work = decide(work, tickets.Close(), at=later(10)).after  # 10
    assert work.handled_s == 600
    work = decide(work, tickets.Reopen(), at=later(30)).after
    work = decide(work, tickets.Release(), at=later(35)).after  # 5
    work = decide(work, tickets.Acquire(), at=later(50)).after
    work = decide(work, tickets.Acquire(), at=later(55), actor="Alice Agent").after  # taken over; goes on
    assert (work.acquired_by, work.acquired_at) == ("Alice Agent", later(55))
    assert work_rules.handled(work, later(60)) == 25 * 60
    work = decide(work, tickets.Delete(), at=later(60)).after
    assert work_rules.handled(work, later(99)) == 25 * 60


def test_tells_several_actions_in_their_order() -> None:
    step = decide(TICKET, tickets.AddTag("red"), tickets.SetStatus("Busy"), tickets.RemoveTag("red"))
    assert kinds(step) == ["ticket.changed", "ticket.status", "ticket.changed"]
    assert step.after.tags == ()
    assert step.after.status == "Busy"
