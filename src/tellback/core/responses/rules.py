"""What a session's answers become. No I/O."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tellback.core import surveys
from tellback.core.people import Given as PersonGiven
from tellback.core.responses.model import Channel, Completion, NewResponse
from tellback.core.surveys import Given, Outcome, Respondent, Session, Survey, Version
from tellback.core.tickets import NewTicket

SUBJECT_LIMIT = 255
_CHANNELS: dict[str, Channel] = {"api": "api_session", "web": "web"}


def number(value: float) -> int | float:
    """A whole number without its fraction: 7.0 is 7."""
    return int(value) if value.is_integer() else value


def actor(survey: Survey) -> str:
    """Who the feed names for what a survey brings."""
    return f"survey {survey.title}"


def person(respondent: Respondent | None, account_id: int | None) -> PersonGiven | None:
    """What a respondent told of themself; None for one who cannot be told from others."""
    if respondent is None or not (respondent.email or respondent.phone):
        return None
    told = {
        "first_name": respondent.first_name,
        "last_name": respondent.last_name,
        "account_id": account_id,
    }
    details = {name: value for name, value in told.items() if value is not None}
    return PersonGiven(respondent.email, respondent.phone, details)


def response(
    survey: Survey,
    version: Version,
    session: Session,
    answers: Sequence[Given],
    *,
    complete: bool,
    whose: dict[str, Any],
) -> NewResponse:
    """The response of a session; `whose` are contact_id, account_id and segments."""
    outcome = surveys.rules.outcome(version, answers)
    return NewResponse(
        workspace_id=session.workspace_id,
        channel=_CHANNELS[session.channel],
        source_key=str(survey.id),
        complete=complete,
        survey_id=survey.id,
        session_number=session.number,
        kind=outcome.kind,
        score=outcome.score,
        scores=outcome.scores,
        satisfied=outcome.satisfied,
        comment=outcome.comment,
        metadata=session.metadata,
        sent_at=session.started_at,
        **whose,
    )


def ticket(completion: Completion, contact_id: int | None) -> NewTicket | None:
    """The ticket that a low score makes, where the survey says so; in the type's initial status."""
    survey, version = completion.survey, completion.version
    outcome = surveys.rules.outcome(version, completion.move.answers)
    wanted = survey.ticket
    if wanted is None or outcome.score is None or outcome.score >= wanted.score_below:
        return None
    told = {
        "subject": _subject(survey, outcome),
        "body": surveys.rules.transcript(version, completion.move.answers),
    }
    holders = {element.role: element.key for element in wanted.type.elements if element.role}
    status = wanted.type.statuses[0]
    return NewTicket(
        workspace_id=survey.workspace_id,
        project_id=wanted.project_id,
        project_key=wanted.project_key,
        type_id=wanted.type.id,
        type_key=wanted.type.key,
        prefix=wanted.type.prefix,
        digits=wanted.type.digits,
        channel="survey",
        source_id=survey.id,
        source_key=str(survey.id),
        status=status.name,
        status_kind=status.kind,
        subject=told["subject"],
        body=None if "body" in holders else told["body"],
        values={key: told[role] for role, key in holders.items()},
        submitter_id=contact_id if contact_id is not None else wanted.default_submitter,
        submitter_given=None,
        actor=actor(survey),
        origin={"hop": completion.hops} if completion.hops else None,
    )


def _subject(survey: Survey, outcome: Outcome) -> str:
    score = f": {number(outcome.score or 0.0)}"
    return survey.title[: SUBJECT_LIMIT - len(score)] + score
