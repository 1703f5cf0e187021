"""Projects as the intake needs them: feedback types, their elements and statuses, external sources."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from tellback.core.errors import Fault
from tellback.core.intake import Unmatched
from tellback.core.people import Participant

ElementType = Literal["text", "single_choice", "multiple_choice", "rating_scale", "file"]
StatusKind = Literal["open", "answered", "closed"]


@dataclass(frozen=True, slots=True)
class Element:
    """A field of a feedback form. `choices` leads from a public or internal label to the public one."""

    key: str
    label: str
    type: ElementType
    required: bool
    role: Literal["subject", "body"] | None
    options: tuple[str, ...]
    choices: Mapping[str, str]
    lowest: int
    highest: int


@dataclass(frozen=True, slots=True)
class Status:
    """A step of a feedback type's workflow."""

    name: str
    kind: StatusKind


@dataclass(frozen=True, slots=True)
class Promise:
    """What is promised of a ticket, in seconds from its arrival; None promises nothing."""

    response: int | None
    handling: int | None
    warn_before: int | None


@dataclass(frozen=True, slots=True)
class Opinion:
    """An answer to the question that follows an answered ticket, and what it counts."""

    text: str
    value: float


@dataclass(frozen=True, slots=True)
class Satisfaction:
    """The question that follows an answered ticket."""

    text: str
    answers: tuple[Opinion, ...]


@dataclass(frozen=True, slots=True)
class FeedbackType:
    """What kind of feedback a ticket is, and the form it has."""

    id: int
    key: str
    name: str
    prefix: str
    digits: int
    statuses: tuple[Status, ...]
    elements: tuple[Element, ...]
    promise: Promise | None = None
    satisfaction: Satisfaction | None = None


@dataclass(frozen=True, slots=True)
class Project:
    """A project with those who may submit in it, by e-mail key."""

    workspace_id: int
    id: int
    key: str
    name: str
    participants: Mapping[str, Participant]
    sources: tuple[Source, ...]


@dataclass(frozen=True, slots=True)
class Source:
    """An external source, compiled: everything the mapping of one posted object needs."""

    id: int
    project_id: int
    key: str
    name: str
    type: FeedbackType
    credential_id: int
    status: Status | None
    status_parameter: str
    default_submitter: Participant | None
    submitter_parameter: str
    fields: tuple[tuple[Element, str], ...]  # element, parameter
    refuse_unmapped: bool
    run_automation: bool
    run_workflow: bool


@dataclass(frozen=True, slots=True)
class Mapped:
    """What a posted object became. With any fault, nothing of it may be stored."""

    values: Mapping[str, Any]  # by element key; choices as public labels
    subject: str
    status: Status | None
    submitter: Participant | None
    given: str | None  # the submitter's address as sent, where it is not the submitter's
    submitter_decision: str
    unmapped: tuple[str, ...]
    missing: tuple[str, ...]
    unmatched: tuple[Unmatched, ...]
    faults: tuple[Fault, ...]
