"""Projects as the configuration document has them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tellback.core import form


@dataclass(frozen=True)
class ParticipantDoc:
    """A person who may submit. An absent name stays as it is stored."""

    email: str
    name: Any = form.KEPT  # str or KEPT
    project: str = field(default="", compare=False)  # lower-case key
    at: str = form.location()


@dataclass(frozen=True)
class StatusDoc:
    """A status of a feedback type's workflow."""

    name: str
    kind: str
    webhook: str | None = None
    at: str = form.location()


@dataclass(frozen=True)
class OptionDoc:
    """An option of a choice, by its public and its internal label."""

    label: str
    internal: str | None = None
    at: str = form.location()


@dataclass(frozen=True)
class ElementDoc:
    """A field of a feedback form."""

    key: str
    label: str
    type: str
    required: bool = False
    role: str | None = None
    options: tuple[OptionDoc, ...] = ()
    min: int | None = None
    max: int | None = None
    at: str = form.location()


@dataclass(frozen=True)
class SlaDoc:
    """What is promised, in seconds from a ticket's arrival."""

    response: int | None = None
    handling: int | None = None
    warn_before: int | None = None
    at: str = form.location()


@dataclass(frozen=True)
class SatisfactionAnswerDoc:
    """An answer of the one-question page, and what it counts."""

    text: str
    value: float
    at: str = form.location()


@dataclass(frozen=True)
class SatisfactionDoc:
    """The one-question page an answered ticket gets."""

    text: str
    answers: tuple[SatisfactionAnswerDoc, ...]
    at: str = form.location()


@dataclass(frozen=True)
class SourceDoc:
    """An external source. `fields` are (element key, parameter) pairs in the document's order."""

    key: str
    name: str
    api_key: str
    status: str | None = None
    status_parameter: str = "status"
    default_submitter: str | None = None
    submitter_parameter: str = "submitter"
    fields: tuple[tuple[str, str], ...] = ()
    unmapped: str = "ignore"
    run_automation: bool = True
    run_workflow: bool = True
    project: str = field(default="", compare=False)  # lower-case key
    feedback_type: str = field(default="", compare=False)  # key
    at: str = form.location()


@dataclass(frozen=True)
class TypeDoc:
    """A feedback type: what its tickets are called, their workflow and their form."""

    key: str
    name: str
    prefix: str
    digits: int
    statuses: tuple[StatusDoc, ...]
    elements: tuple[ElementDoc, ...]
    sla: SlaDoc | None = None
    satisfaction: SatisfactionDoc | None = None
    external_sources: tuple[SourceDoc, ...] = ()
    project: str = field(default="", compare=False)  # lower-case key
    at: str = form.location()


@dataclass(frozen=True)
class ProjectDoc:
    """A project. An absent name stays as it is stored."""

    key: str
    name: Any = form.KEPT  # str or KEPT
    participants: tuple[ParticipantDoc, ...] = ()
    feedback_types: tuple[TypeDoc, ...] = ()
    at: str = form.location()
