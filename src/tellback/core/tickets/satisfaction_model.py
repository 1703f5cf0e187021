"""What a submitter thinks of an answer."""

from __future__ import annotations

from dataclasses import dataclass

from tellback.core.projects import Opinion, Satisfaction


@dataclass(frozen=True, slots=True)
class Page:
    """The one-question page of an answer. `question` is as it was when answered, `chosen` what was chosen there."""

    workspace_id: int
    workspace: str
    ticket_id: int
    display_id: str
    answer_id: int
    question: Satisfaction
    chosen: str | None


@dataclass(frozen=True, slots=True)
class NewOpinion:
    """A choice on its way in."""

    page: Page
    opinion: Opinion
