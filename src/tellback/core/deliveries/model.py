"""Deliveries, phase by phase: a destination that is due is leased; a delivery of it is begun, sent, and settled.

A type stands for each phase, so that nothing can be sent that was not begun, or settled that was not sent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from tellback.core.deliveries.definitions import Header, ReturnValue

State = Literal["waiting", "delivered", "failed", "cancelled"]
DestinationKind = Literal["webhook", "subscription"]

#: The event kind of a call that somebody made to try a webhook out.
TEST = "test"


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it was rendered when its event happened: every attempt sends these bytes."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...]
    body: str | None


@dataclass(frozen=True, slots=True)
class NewDelivery:
    """A request on its way into a destination's queue. `event_seq` is its place in the feed, where it has one."""

    destination_id: int
    event_kind: str
    event_at: datetime
    subject_type: str
    subject_id: str
    request: Request
    event_seq: int | None = None
    warnings: tuple[str, ...] = ()
    origin: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Leased:
    """A destination that one worker holds, with what a call needs at the moment of sending.

    `headers` are its secret ones, Basic authentication among them; `secrets` sign, the newest first.
    """

    workspace_id: int
    id: int
    owner: str
    kind: DestinationKind
    key: str
    ordered: bool
    headers: tuple[Header, ...] = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False)
    return_values: tuple[ReturnValue, ...]


@dataclass(frozen=True, slots=True)
class Begun:
    """A delivery whose attempt `number` is written down as begun. `scheduled` is how many of the schedule are used."""

    workspace_id: int
    destination_id: int
    id: int
    message_id: str
    number: int
    scheduled: int
    event_kind: str
    subject_type: str
    subject_id: str
    request: Request
    warnings: tuple[str, ...]
    origin: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an attempt. `error` in words where it failed; `status` where there was an answer at all.

    `sent` are the headers as they went, secrets masked. `retry_after` is what the receiver asked for, in
    seconds. `interrupted`: its worker had to stop, which is nobody's failure.
    """

    duration_ms: int
    sent: Sequence[tuple[str, str]]
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str | None = None
    error: str | None = None
    hint: str | None = None
    retry_after: float | None = None
    interrupted: bool = False


@dataclass(frozen=True, slots=True)
class Captured:
    """A return value, converted: what is stored under `group` and `label`."""

    group: str
    label: str
    value: Any


@dataclass(frozen=True, slots=True)
class Finished:
    """An attempt with its outcome, and what was picked from the answer. `since`: monotonic seconds of its call."""

    begun: Begun
    outcome: Outcome
    captured: tuple[Captured, ...] = ()
    warnings: tuple[str, ...] = ()
    since: float | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """What a worker tells and asks of one destination it holds: these attempts are finished, begin so many more.

    `unsent` were begun ahead and will not be sent; `busy` are the deliveries that are begun and nothing of both.
    `release`: give the destination back when nothing was begun.
    """

    lease: Leased
    finished: tuple[Finished, ...] = ()
    unsent: tuple[Begun, ...] = ()
    busy: tuple[int, ...] = ()
    begin: int = 0
    release: bool = False


@dataclass(frozen=True, slots=True)
class Answered:
    """What a step came to: whether the destination is still held, and what was begun."""

    held: bool
    begun: tuple[Begun, ...] = ()


@dataclass(frozen=True, slots=True)
class Standing:
    """How a destination stands before an attempt is settled. `failing_s`: since its first failure in a row.

    `open`: it may be sent to now, neither disabled nor at rest.
    """

    open: bool
    ordered: bool
    failures: int
    failing_s: float


@dataclass(frozen=True, slots=True)
class Decision:
    """What an outcome means: for the delivery, and for its destination. Times are seconds from now.

    `disabled` is the reason; `pause_s` the time in which nothing is begun for the destination.
    """

    state: State
    scheduled: int
    next_in_s: float | None = None
    failures: int = 0
    pause_s: float = 0.0
    disabled: str | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attempt as it is read. Without `duration_ms` it was begun, and its end is not known."""

    number: int
    at: datetime
    duration_ms: int | None
    request: Mapping[str, Any]
    status: int | None
    response_headers: Mapping[str, str] | None
    response_body: str | None
    error: str | None
    hint: str | None
    warnings: Sequence[str]


@dataclass(frozen=True, slots=True)
class Delivery:
    """A delivery as it is read."""

    id: int
    destination: DestinationKind
    key: str
    event_seq: int | None
    event_kind: str
    event_at: datetime
    subject_type: str
    subject_id: str
    message_id: str
    state: State
    next_attempt_at: datetime | None
    created_at: datetime
    finished_at: datetime | None
    attempts: Sequence[Attempt] = ()


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which deliveries; None leaves a question open."""

    webhook: str | None = None
    subscription: str | None = None
    state: State | None = None
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Destination:
    """A destination as it is read, with its queue."""

    id: int
    kind: DestinationKind
    key: str
    definition: Mapping[str, Any]
    state: Literal["active", "disabled"]
    reason: str | None
    disabled_at: datetime | None
    failing_since: datetime | None
    failures: int
    waiting: int
