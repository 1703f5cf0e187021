"""Surveys as the configuration document has them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tellback.core import form


@dataclass(frozen=True)
class AnswerDoc:
    """A choice. An absent `id` is that of the same answer before, or made."""

    text: str
    value: str
    id: int | None = None
    goto: str | None = None
    end: bool = False
    at: str = form.location()


@dataclass(frozen=True)
class QuestionDoc:
    """A question."""

    title: str
    text: str
    type: str
    metric: str = "none"
    answers: tuple[AnswerDoc, ...] = ()
    at: str = form.location()


@dataclass(frozen=True)
class WhenDoc:
    """Which scores make a ticket."""

    score_below: float
    at: str = form.location()


@dataclass(frozen=True)
class TicketsDoc:
    """The ticket that a low score makes."""

    project: str
    type: str
    when: WhenDoc
    default_submitter: str | None = None
    at: str = form.location()

    @property
    def compared(self) -> tuple[str, str, float, str]:
        """What makes two of these the same: keys and addresses count without regard to case."""
        submitter = (self.default_submitter or "").lower()
        return self.project.lower(), self.type.lower(), self.when.score_below, submitter


@dataclass(frozen=True)
class SurveyDoc:
    """A survey. Absent channels, state and token stay as they are stored."""

    id: int
    title: str
    description: str
    questions: tuple[QuestionDoc, ...]
    channels: Any = form.KEPT  # tuple[str, ...] or KEPT
    state: Any = form.KEPT  # str or KEPT
    take_token: Any = form.KEPT  # str or KEPT
    embed_origins: tuple[str, ...] = ()
    tickets: TicketsDoc | None = None
    at: str = form.location()
