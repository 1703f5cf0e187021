"""A person about to be erased, and what of a workspace is theirs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Person:
    """A contact with all that it is known by. Of one who is erased already only the id is left."""

    id: int
    email: str | None = None
    phone: str | None = None
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Sitting:
    """A session as far as erasing goes; `times` are those at which something of it was stored."""

    number: int
    token: str
    survey_id: int
    answers: list[dict[str, Any]]
    metadata: dict[str, Any]
    respondent: dict[str, Any] | None
    started_at: datetime
    active_at: datetime
    times: tuple[datetime, ...]


@dataclass(frozen=True, slots=True)
class Answered:
    """A response as far as erasing goes. `known` are its texts."""

    id: int
    erased: bool
    drivers: dict[str, Any]
    segments: dict[str, dict[str, str]]
    known: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Filed:
    """A ticket as far as erasing goes; `kinds` are the types of its form's elements, by key."""

    id: int
    display_id: str
    type_id: int
    values: dict[str, Any]
    kinds: dict[str, str]
    known: tuple[str, ...]


@dataclass(slots=True)
class Reach:
    """All that is a person's. `texts` are those that they wrote."""

    person: Person
    sittings: Sequence[Sitting] = ()
    answered: Sequence[Answered] = ()
    filed: Sequence[Filed] = ()
    texts: list[str] = field(default_factory=list)

    @property
    def tickets(self) -> list[int]:
        return [one.id for one in self.filed]

    @property
    def subjects(self) -> list[tuple[str, str]]:
        """What the feed and the queues call these: (type, id)."""
        return [
            ("contact", str(self.person.id)),
            *(("response", str(one.id)) for one in self.answered),
            *(("ticket", str(one.id)) for one in self.filed),
            *(("session", one.token) for one in self.sittings),
        ]
