"""How a ticket stands to what was promised of it. Pure: a ticket, a promise and a time in, figures out.

Two things can be promised, each in seconds from the ticket's arrival: a first answer (`response`), and that it
is closed (`handling`). Docs: docs/decisions/0014.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from tellback.core.projects import Promise

Expiry = Literal[0, 1, 2]

#: While somebody works on a ticket its handling time grows; it is looked at anew this often.
REFRESH = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Course:
    """What has happened to a ticket so far. `ended_at`: closed or deleted.

    `handled_s` are the seconds of the spans of handling that are over, `handling_since` begins the one that
    is not.
    """

    created_at: datetime
    first_answered_at: datetime | None = None
    ended_at: datetime | None = None
    handled_s: float = 0.0
    handling_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Sla:
    """As reports show it. Times in whole seconds; `expiry` 1: soon past a promise, 2: past one.

    `expiry` tells of promises that still wait to be kept, `within_sla` of all, kept or not. Stored, and shown by
    surfaces, under these names.
    """

    done_due: bool = False
    expiry: Expiry = 0
    handling_time: int = 0
    response_time: int = 0
    within_sla: bool = True

    @property
    def standing(self) -> tuple[bool, int, bool]:
        """What makes a difference to those who watch; the times go on by themselves."""
        return self.done_due, self.expiry, self.within_sla


@dataclass(frozen=True, slots=True)
class _Due:
    """One promise: until when, and when it was kept, if it was."""

    until: datetime
    kept_at: datetime | None

    def missed(self, now: datetime) -> bool:
        return (self.kept_at or now) >= self.until


def assess(course: Course, promise: Promise | None, now: datetime) -> tuple[Sla, datetime | None]:
    """How the ticket stands at `now`, and when time alone will next change that; None: never."""
    dues = list(_dues(course, promise))
    waiting = [due for due in dues if due.kept_at is None]
    early = timedelta(seconds=(promise.warn_before or 0) if promise else 0)
    expiry: Expiry = 0
    if any(due.missed(now) for due in waiting):
        expiry = 2
    elif any(now >= due.until - early for due in waiting):
        expiry = 1
    done = _done_by(course, promise)
    figures = Sla(
        done_due=done is not None and course.ended_at is None and now >= done,
        expiry=expiry,
        handling_time=int(_handled(course, now)),
        response_time=_response(course),
        within_sla=not any(due.missed(now) for due in dues),
    )
    moments = [moment for due in waiting for moment in (due.until - early, due.until) if moment > now]
    if course.handling_since is not None:
        moments.append(now + REFRESH)
    return figures, min(moments, default=None)


def _dues(course: Course, promise: Promise | None) -> Iterator[_Due]:
    if promise is None:
        return
    if promise.response is not None:
        until = course.created_at + timedelta(seconds=promise.response)
        yield _Due(until, course.first_answered_at or course.ended_at)
    if (done := _done_by(course, promise)) is not None:
        yield _Due(done, course.ended_at)


def _done_by(course: Course, promise: Promise | None) -> datetime | None:
    if promise is None or promise.handling is None:
        return None
    return course.created_at + timedelta(seconds=promise.handling)


def _response(course: Course) -> int:
    if course.first_answered_at is None:
        return 0
    return max(0, int((course.first_answered_at - course.created_at).total_seconds()))


def _handled(course: Course, now: datetime) -> float:
    if course.handling_since is None:
        return course.handled_s
    return course.handled_s + max(0.0, (now - course.handling_since).total_seconds())
