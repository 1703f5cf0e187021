"""Responses: what somebody answered, whatever brought it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from tellback.core.surveys import Move, Survey, Version
from tellback.core.tickets import Filed

Channel = Literal["api_session", "web", "record", "incoming_webhook", "import"]


@dataclass(frozen=True, slots=True)
class NewResponse:
    """A response on its way in. A complete one without `completed_at` is completed now."""

    workspace_id: int
    channel: Channel
    source_key: str | None
    complete: bool
    survey_id: int | None = None
    session_number: int | None = None
    configuration: str | None = None
    kind: str | None = None
    score: float | None = None
    scores: Mapping[str, float] = field(default_factory=dict)
    satisfied: bool | None = None
    comment: str | None = None
    contact_id: int | None = None
    account_id: int | None = None
    touchpoint: str | None = None
    segments: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    drivers: Mapping[str, Any] = field(default_factory=dict)
    follow_up: bool | None = None
    follow_up_details: str | None = None
    reference: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    sent_at: datetime | None = None
    completed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Completion:
    """The last move of a session, with the survey as it is and the version the session is about."""

    survey: Survey
    version: Version
    move: Move
    hops: int = 0  # how many calls from hub to hub led to it


@dataclass(frozen=True, slots=True)
class Completed:
    """What a completed session became."""

    response_id: int
    ticket: Filed | None


@dataclass(frozen=True, slots=True)
class Filter:
    """Which responses; None leaves a question open. `contact` is an e-mail address, `account` a name or alias."""

    survey: int | None = None
    channel: str | None = None
    kind: str | None = None
    complete: bool | None = None
    contact: str | None = None
    account: str | None = None
    touchpoint: str | None = None
    contact_id: int | None = None


@dataclass(frozen=True, slots=True)
class Person:
    """A response's contact as the contact is now."""

    id: int
    email: str | None
    phone: str | None
    first_name: str | None
    last_name: str | None


@dataclass(frozen=True, slots=True)
class Response:
    """A response as it is read. `session` is its token; `account` is (id, name)."""

    id: int
    channel: Channel
    source_key: str | None
    survey: int | None
    session: str | None
    configuration: str | None
    kind: str | None
    score: float | None
    scores: dict[str, float]
    comment: str | None
    complete: bool
    contact: Person | None
    account: tuple[int, str] | None
    touchpoint: str | None
    segments: dict[str, dict[str, str]]
    drivers: dict[str, Any]
    follow_up: bool | None
    follow_up_details: str | None
    reference: str | None
    metadata: dict[str, Any]
    sent_at: datetime | None
    completed_at: datetime | None
    created_at: datetime
