"""The change feed: one row for every effect, written in the effect's own transaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
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
    """What happened to what, by whom. `data` is what a reader of the feed sees of it."""

    kind: Kind
    subject_type: SubjectType
    subject_id: str
    actor: str
    data: Mapping[str, Any] = field(default_factory=dict)
