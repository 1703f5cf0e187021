"""What an action makes of a ticket. No I/O.

Every decision takes the ticket as it is and gives a `Step`: the ticket as it will be, the lines of its
timeline and its events. An action that would change nothing is an empty step.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from tellback.core import errors, projects
from tellback.core.changes import Kind
from tellback.core.errors import Fault
from tellback.core.projects import FeedbackType, Status
from tellback.core.tickets import work_model as model
from tellback.core.tickets.work_model import Action, Assignee, Event, NewAnswer, Note, Step, Work

LONGEST_TAG = 100  # characters
MOST_TAGS = 100
LONGEST_PRIORITY = 100
LONGEST_TEXT = 65_535
LONGEST_SUBJECT = 255


class _Wrong(Exception):
    """An action that cannot be done to this ticket."""

    def __init__(self, where: str, message: str) -> None:
        super().__init__(message)
        self.fault = Fault(where, message)


@dataclass(frozen=True, slots=True)
class Scene:
    """What an action happens in: who acts, when, and the members it may name, by lower-case e-mail."""

    actor: str
    now: datetime
    members: Mapping[str, Assignee]


def decide(work: Work, actions: Sequence[Action], scene: Scene) -> Step:
    """What the actions, one after the other, come to. Raises `Invalid` with the faults of all of them."""
    whole = Step(work)
    faults: list[Fault] = []
    for action in actions:
        try:
            step = _one(whole.after, action, scene)
        except _Wrong as wrong:
            faults.append(wrong.fault)
            continue
        whole = Step(
            step.after,
            whole.notes + step.notes,
            whole.events + step.events,
            whole.answers + step.answers,
        )
    if faults:
        raise errors.Invalid(faults)
    return whole


def replied(work: Work, reply: str, actor: str) -> Step:
    """The ticket `reply` was opened in answer to this one."""
    text = f"Ticket {work.display_id} was replied to with ticket {reply} by {actor}"
    return _told(work, "replied", text, "ticket.changed", {"changed": ["thread"]})


def rated(work: Work, opinion: str, actor: str) -> Step:
    """Somebody said what they think of an answer to this ticket."""
    text = f"The answer to ticket {work.display_id} was rated {opinion} on {actor}"
    return _told(work, "rated", text, "ticket.changed", {"changed": ["feedback"]})


def first_status(type: FeedbackType, kind: str) -> Status | None:
    """The first status of a kind in the type's workflow."""
    return next((status for status in type.statuses if status.kind == kind), None)


def handled(work: Work, now: datetime) -> float:
    """Seconds in which the ticket was acquired and not closed, up to now."""
    return work.handled_s + (_seconds(work.handling_since, now) if work.handling_since else 0.0)


def _one(work: Work, action: Action, scene: Scene) -> Step:
    if work.deleted_at is not None:
        if isinstance(action, model.Delete):
            return Step(work)
        raise _Wrong("do", f"Ticket {work.display_id} is deleted; nothing can be done to it.")
    match action:
        case model.SetStatus(status=name):
            return _to_status(work, _status(work.type, name), scene)
        case model.Close():
            return _close(work, scene)
        case model.Reopen():
            return _reopen(work, scene)
        case model.Answer():
            return _answer(work, action, scene)
        case model.SetField():
            return _set_field(work, action, scene)
        case model.Assign(assignee=email):
            return _assign(work, email, scene)
        case model.AddTag(tag=tag):
            return _add_tag(work, tag.strip(), scene)
        case model.RemoveTag(tag=tag):
            return _remove_tag(work, tag.strip(), scene)
        case model.AddNote(note=note):
            return _add_note(work, note)
        case model.SetPriority(priority=priority):
            return _set_priority(work, (priority or "").strip() or None, scene)
        case model.Acquire():
            return _acquire(work, scene)
        case model.Release():
            return _release(work, scene)
        case model.Delete():
            after = _timed(replace(work, deleted_at=scene.now), scene.now)
            return _told(
                after, "deleted", f"Ticket {work.display_id} was deleted by {scene.actor}", "ticket.deleted"
            )


def _status(type: FeedbackType, name: str) -> Status:
    for status in type.statuses:
        if status.name == name:
            return status
    allowed = ", ".join(f"'{status.name}'" for status in type.statuses)
    raise _Wrong("status", f"There is no status '{name[:100]}'; allowed are {allowed}.")


def _to_status(work: Work, status: Status, scene: Scene) -> Step:
    if status.name == work.status:
        return Step(work)
    text = f"Ticket {work.display_id} was moved from {work.status} to {status.name} by {scene.actor}"
    return _told(_moved(work, status, scene.now), "status", text, "ticket.status", {"from": work.status})


def _close(work: Work, scene: Scene) -> Step:
    if work.status_kind == "closed":
        return Step(work)
    status = _first(work.type, "closed", "that closes a ticket")
    text = f"Ticket {work.display_id} was closed by {scene.actor}"
    return _told(_moved(work, status, scene.now), "closed", text, "ticket.status", {"from": work.status})


def _reopen(work: Work, scene: Scene) -> Step:
    if work.status_kind == "open":
        return Step(work)
    status = _first(work.type, "open", "of an open ticket")
    text = f"Ticket {work.display_id} was reopened by {scene.actor}"
    return _told(_moved(work, status, scene.now), "reopened", text, "ticket.status", {"from": work.status})


def _first(type: FeedbackType, kind: str, meaning: str) -> Status:
    status = first_status(type, kind)
    if status is None:
        raise _Wrong("do", f"The feedback type '{type.name}' has no status {meaning}.")
    return status


def _answer(work: Work, answer: model.Answer, scene: Scene) -> Step:
    """The answer, and the move it makes: to the first answered status, or the first closed one."""
    _limited("subject", answer.subject, LONGEST_SUBJECT)
    _limited("body", answer.body, LONGEST_TEXT)
    if not answer.body.strip():
        raise _Wrong("body", "The answer has no body.")
    wanted = [*(["closed"] if answer.close else []), "answered"]
    found = [status for kind in wanted if (status := first_status(work.type, kind))]
    after = work
    if found and found[0].kind != work.status_kind:
        after = _moved(work, found[0], scene.now)
    after = replace(after, answered_at=scene.now, first_answered_at=work.first_answered_at or scene.now)
    how = "answered and closed" if answer.close and after.status_kind == "closed" else "answered"
    step = _told(after, "answered", f"Ticket {work.display_id} was {how} by {scene.actor}", "ticket.answered")
    events = step.events
    if after.status != work.status:
        events = (*events, _event(after, "ticket.status", {"from": work.status}))
    return replace(
        step, events=events, answers=(NewAnswer(answer.subject, answer.body, work.type.satisfaction),)
    )


def _set_field(work: Work, action: model.SetField, scene: Scene) -> Step:
    element = next((one for one in work.type.elements if one.key == action.field), None)
    if element is None:
        known = ", ".join(f"'{one.key}'" for one in work.type.elements)
        raise _Wrong("field", f"There is no field '{action.field[:100]}'; there are {known}.")
    empty = projects.is_empty(action.value)
    if empty and element.required:
        raise _Wrong("value", f"The field '{element.key}' is required.")
    values = {key: value for key, value in work.values.items() if key != element.key}
    if not empty:
        try:
            values[element.key] = projects.read_value(element, action.value)
        except projects.Refused as refused:
            raise _Wrong("value", f"The value of '{element.key}' {refused.predicate}") from None
    if values == work.values:
        return Step(work)
    after = replace(work, values=values)
    if element.role == "subject":
        after = replace(after, subject=values.get(element.key, ""))
    # What people write is not repeated in the timeline: erasing them would have to find it there.
    text = f"{element.label} of ticket {work.display_id} was changed by {scene.actor}"
    return _told(after, "field", text, "ticket.changed", {"changed": ["values"], "field": element.key})


def _assign(work: Work, email: str | None, scene: Scene) -> Step:
    member = None
    if email:
        member = scene.members.get(email.strip().lower())
        if member is None:
            raise _Wrong("assignee", f"There is no member '{email[:100]}'.")
    id = member.id if member else None
    if id == work.assignee_id:
        return Step(work)
    how = f"assigned to {member.name}" if member else "taken from its assignee"
    text = f"Ticket {work.display_id} was {how} by {scene.actor}"
    return _told(replace(work, assignee_id=id), "assigned", text, "ticket.changed", {"changed": ["assignee"]})


def _add_tag(work: Work, tag: str, scene: Scene) -> Step:
    if not tag:
        raise _Wrong("tag", "A tag has at least one character.")
    _limited("tag", tag, LONGEST_TAG)
    if tag in work.tags:
        return Step(work)
    if len(work.tags) >= MOST_TAGS:
        raise _Wrong("tag", f"A ticket has at most {MOST_TAGS} tags.")
    text = f"The tag {tag} was added to ticket {work.display_id} by {scene.actor}"
    after = replace(work, tags=(*work.tags, tag))
    return _told(after, "tag_added", text, "ticket.changed", {"changed": ["tags"], "tag": tag})


def _remove_tag(work: Work, tag: str, scene: Scene) -> Step:
    if tag not in work.tags:
        return Step(work)
    text = f"The tag {tag} was removed from ticket {work.display_id} by {scene.actor}"
    after = replace(work, tags=tuple(one for one in work.tags if one != tag))
    return _told(after, "tag_removed", text, "ticket.changed", {"changed": ["tags"], "tag": tag})


def _add_note(work: Work, note: str) -> Step:
    if not note.strip():
        raise _Wrong("note", "The note is empty.")
    _limited("note", note, LONGEST_TEXT)
    return _told(work, "note", note, "ticket.changed", {"changed": ["timeline"]})


def _set_priority(work: Work, priority: str | None, scene: Scene) -> Step:
    if priority is not None:
        _limited("priority", priority, LONGEST_PRIORITY)
    if priority == work.priority:
        return Step(work)
    how = f"set to {priority}" if priority else "removed"
    text = f"The priority of ticket {work.display_id} was {how} by {scene.actor}"
    after = replace(work, priority=priority)
    return _told(after, "priority", text, "ticket.changed", {"changed": ["priority"]})


def _acquire(work: Work, scene: Scene) -> Step:
    """Whoever has it open loses it to the one who asks: a ticket must not wait for someone who went home."""
    if work.acquired_by == scene.actor:
        return Step(work)
    after = _timed(replace(work, acquired_by=scene.actor, acquired_at=scene.now), scene.now)
    text = f"Ticket {work.display_id} was opened by {scene.actor}"
    return _told(after, "acquired", text, "ticket.changed", {"changed": ["acquired"]})


def _release(work: Work, scene: Scene) -> Step:
    if work.acquired_by is None:
        return Step(work)
    after = _timed(replace(work, acquired_by=None, acquired_at=None), scene.now)
    text = f"Ticket {work.display_id} was released by {scene.actor}"
    return _told(after, "released", text, "ticket.changed", {"changed": ["acquired"]})


def _moved(work: Work, status: Status, now: datetime) -> Work:
    """In another status. Entering an answered one answers, an open one awaits an answer anew."""
    answered_at = work.answered_at
    if status.kind == "open":
        answered_at = None
    elif status.kind == "answered" and work.status_kind != "answered":
        answered_at = now
    after = replace(
        work,
        status=status.name,
        status_kind=status.kind,
        answered_at=answered_at,
        first_answered_at=work.first_answered_at or answered_at,
        closed_at=(work.closed_at or now) if status.kind == "closed" else None,
    )
    return _timed(after, now)


def _timed(work: Work, now: datetime) -> Work:
    """With the clock of handling running exactly while it is acquired and not closed."""
    runs = work.acquired_by is not None and work.status_kind != "closed" and work.deleted_at is None
    if runs and work.handling_since is None:
        return replace(work, handling_since=now)
    if not runs and work.handling_since is not None:
        return replace(work, handled_s=handled(work, now), handling_since=None)
    return work


def _seconds(since: datetime, now: datetime) -> float:
    return max(0.0, (now - since).total_seconds())  # a clock may be set back


def _limited(where: str, text: str, longest: int) -> None:
    if len(text) > longest:
        raise _Wrong(where, f"The {where} is {len(text)} characters long; {longest} are allowed.")


def _told(after: Work, kind: str, text: str, event: Kind, data: Mapping[str, Any] | None = None) -> Step:
    return Step(after, (Note(kind, text),), (_event(after, event, data or {}),))


def _event(after: Work, kind: Kind, data: Mapping[str, Any]) -> Event:
    about = {
        "display_id": after.display_id,
        "project": after.project,
        "type": after.type.key,
        "status": after.status,
    }
    return kind, {**about, **data}
