"""The change feed: one row for every effect, written in the effect's own transaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

Kind = Literal[
    "ticket.created", "ticket.changed", "ticket.status", "ticket.answered", "ticket.deleted", "file.added",
    "response.recorded", "response.erased", "rating.received", "rating.changed", "rating.removed",
    "contact.created", "contact.changed", "contact.erased", "account.created", "account.changed",
    "session.completed", "value.captured", "configuration.changed",
]  # fmt: skip
SubjectType = Literal["ticket", "response", "rating", "contact", "account", "session", "configuration"]


@dataclass(frozen=True, slots=True)
class NewChange:
    """What happened to what, by whom. `data` is what a reader of the feed sees of it.

    `snapshot` is the subject as it was then, for automation, and `origin` where the event came from; both are
    left out where nothing asks for them.
    """

    kind: Kind
    subject_type: SubjectType
    subject_id: str
    actor: str
    data: Mapping[str, Any] = field(default_factory=dict)
    snapshot: Mapping[str, Any] | None = None
    origin: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """A row of the feed. `seq` counts the workspace's changes in commit order, without gaps."""

    seq: int
    kind: Kind
    subject_type: SubjectType
    subject_id: str
    at: datetime
    actor: str
    data: Mapping[str, Any]
    snapshot: Mapping[str, Any] | None = None
    origin: Mapping[str, Any] | None = None
