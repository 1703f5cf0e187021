"""People who give feedback."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Participant:
    """A person who may submit in a project."""

    contact_id: int
    email: str
    name: str
