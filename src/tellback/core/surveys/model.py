"""Surveys, their versions, and the sessions people take them in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from tellback.core.projects import FeedbackType

Channel = Literal["api", "web"]
State = Literal["draft", "deployed", "closed"]
QuestionType = Literal["choose_one", "enter_text"]
Metric = Literal["nps", "csat", "ces", "agent_quality", "feedback", "none"]
SessionState = Literal["partial", "complete", "expired"]

#: The metrics whose answers are numbers.
SCORES = ("nps", "csat", "ces", "agent_quality")


@dataclass(frozen=True, slots=True)
class Answer:
    """A choice. `next` is the place of the question it leads to, None where it ends the survey."""

    id: int
    text: str
    value: str
    next: int | None


@dataclass(frozen=True, slots=True)
class Question:
    """A question at its `place` in the version. `next` is where a text leads; a choice leads where it says."""

    place: int
    title: str
    text: str
    type: QuestionType
    metric: Metric
    answers: tuple[Answer, ...]
    next: int | None
    choices: Mapping[int, Answer] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Version:
    """What a session is about from its start to its end; it never changes."""

    number: int
    questions: tuple[Question, ...]


@dataclass(frozen=True, slots=True)
class LowScoreTicket:
    """The ticket that a score below `score_below` makes."""

    project_id: int
    project_key: str
    type: FeedbackType
    score_below: float
    default_submitter: int | None  # contact


@dataclass(frozen=True, slots=True)
class Survey:
    """A survey, compiled, with the version that new sessions get. One that is archived is closed."""

    workspace_id: int
    id: int
    title: str
    description: str
    channels: frozenset[Channel]
    state: State
    version: Version
    take_token: str
    embed_origins: tuple[str, ...]
    ticket: LowScoreTicket | None


@dataclass(frozen=True, slots=True)
class Respondent:
    """Who answers, as far as they told; all may be None."""

    email: str | None = None
    phone: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    account: str | None = None


@dataclass(frozen=True, slots=True)
class Given:
    """An answer given in a session: a choice's id or a text. `at` is None until it is stored."""

    question: int
    answer: int | None = None
    text: str | None = None
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Session:
    """A session as a reply finds it. `idle` is how many seconds it has stood still by the database's clock."""

    workspace_id: int
    number: int
    token: str
    survey_id: int
    version: int
    channel: Channel
    step: int
    answers: tuple[Given, ...]
    respondent: Respondent | None
    metadata: Mapping[str, Any]
    started_at: datetime
    idle: float
    complete: bool
    expired: bool


@dataclass(frozen=True, slots=True)
class NewSession:
    """A session to start."""

    workspace_id: int
    token: str
    survey_id: int
    version: int
    channel: Channel
    respondent: Respondent | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reply:
    """What somebody answers: the text or the choice's id counts, whichever the question needs."""

    text: str | None = None
    choice: int | None = None


@dataclass(frozen=True, slots=True)
class Move:
    """A session's next state, judged at `session.step`. `next` is the question that follows, None at the end."""

    session: Session
    answers: tuple[Given, ...]
    next: Question | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the answers of a session come to: the first score and its kind, every metric's score, the comment.

    `satisfied` tells whether the CSAT score is one of the two highest that its question offers.
    """

    kind: str | None
    score: float | None
    scores: Mapping[str, float]
    comment: str | None
    satisfied: bool | None = None


@dataclass(frozen=True, slots=True)
class SessionRecord:
    """A session as it is read; `answers` are {question, answer_id, value, text, at}."""

    number: int
    token: str
    survey_id: int
    version: int
    state: SessionState
    channel: Channel
    answers: list[dict[str, Any]]
    respondent: Respondent | None
    metadata: Mapping[str, Any]
    started_at: datetime
    active_at: datetime
    completed_at: datetime | None


@dataclass(frozen=True, slots=True)
class SurveyRecord:
    """A survey as it is read, with its sessions counted by state."""

    id: int
    title: str
    description: str
    channels: list[Channel]
    state: State
    version: Version
    take_token: str
    embed_origins: list[str]
    started: int
    partial: int
    complete: int
    expired: int
