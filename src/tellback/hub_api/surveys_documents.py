"""What the hub's API shows of surveys, sessions, responses, contacts and accounts, as typed documents."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from tellback.core import people, responses, surveys


class SurveyAnswer(msgspec.Struct):
    """A choice; `goto` is the title of the question it leads to, null where it ends the survey."""

    id: int
    text: str
    value: str
    goto: str | None


class SurveyQuestion(msgspec.Struct):
    title: str
    text: str
    type: str
    metric: str
    answers: list[SurveyAnswer]


class SessionCounts(msgspec.Struct):
    """How many sessions were started, and how they stand."""

    started: int
    partial: int
    complete: int
    expired: int


class SurveyDocument(msgspec.Struct, kw_only=True):
    """A survey with the version that new sessions get."""

    id: int
    title: str
    description: str
    channels: list[str]
    state: str
    version: int
    take_token: str
    embed_origins: list[str]
    questions: list[SurveyQuestion]
    sessions: SessionCounts


class SessionAnswer(msgspec.Struct):
    """`question` is its title; `answer_id` and `value` are a choice's, null for a text."""

    question: str
    answer_id: int | None
    value: str | None
    text: str
    at: datetime


class RespondentDocument(msgspec.Struct):
    email: str | None
    phone: str | None
    first_name: str | None
    last_name: str | None
    account: str | None


class SessionDocument(msgspec.Struct, kw_only=True):
    """A session; `state` is partial, complete or expired."""

    id: str
    survey: int
    version: int
    state: str
    channel: str
    answers: list[SessionAnswer]
    respondent: RespondentDocument | None
    metadata: dict[str, Any]
    started_at: datetime
    active_at: datetime
    completed_at: datetime | None


class ResponseSource(msgspec.Struct):
    """`key` is the survey's id for sessions."""

    channel: str
    key: str | None


class ResponseContact(msgspec.Struct):
    id: int
    email: str | None
    phone: str | None
    first_name: str | None
    last_name: str | None


class AccountName(msgspec.Struct):
    id: int
    name: str


class ResponseDocument(msgspec.Struct, kw_only=True):
    """A response, whatever brought it."""

    id: int
    source: ResponseSource
    survey: int | None
    session: str | None
    configuration: str | None
    kind: str | None
    score: float | None
    scores: dict[str, float]
    comment: str | None
    complete: bool
    contact: ResponseContact | None
    account: AccountName | None
    touchpoint: str | None
    segments: dict[str, dict[str, str]]
    drivers: dict[str, Any]
    follow_up: bool | None
    follow_up_details: str | None
    reference: str | None
    metadata: dict[str, Any]
    sent_at: datetime | None
    completed_at: datetime | None
    created_at: datetime


class ContactDocument(msgspec.Struct, kw_only=True):
    id: int
    email: str | None
    phone: str | None
    first_name: str | None
    last_name: str | None
    job_title: str | None
    language: str | None
    account: AccountName | None
    segments: dict[str, str]
    created_at: datetime
    changed_at: datetime


class AccountDocument(msgspec.Struct, kw_only=True):
    id: int
    name: str
    aliases: list[str]
    segments: dict[str, str]
    created_at: datetime
    changed_at: datetime


def survey(found: surveys.SurveyRecord) -> SurveyDocument:
    questions = found.version.questions
    return SurveyDocument(
        id=found.id,
        title=found.title,
        description=found.description,
        channels=list(found.channels),
        state=found.state,
        version=found.version.number,
        take_token=found.take_token,
        embed_origins=found.embed_origins,
        questions=[_question(question, questions) for question in questions],
        sessions=SessionCounts(found.started, found.partial, found.complete, found.expired),
    )


def _question(question: surveys.Question, all: tuple[surveys.Question, ...]) -> SurveyQuestion:
    answers = [
        SurveyAnswer(one.id, one.text, one.value, None if one.next is None else all[one.next].title)
        for one in question.answers
    ]
    return SurveyQuestion(question.title, question.text, question.type, question.metric, answers)


def session(found: surveys.SessionRecord) -> SessionDocument:
    return SessionDocument(
        id=found.token,
        survey=found.survey_id,
        version=found.version,
        state=found.state,
        channel=found.channel,
        answers=[SessionAnswer(**answer) for answer in found.answers],
        respondent=msgspec.convert(found.respondent, RespondentDocument | None, from_attributes=True),
        metadata=dict(found.metadata),
        started_at=found.started_at,
        active_at=found.active_at,
        completed_at=found.completed_at,
    )


def response(found: responses.Response) -> ResponseDocument:
    number = responses.rules.number
    return ResponseDocument(
        id=found.id,
        source=ResponseSource(found.channel, found.source_key),
        survey=found.survey,
        session=found.session,
        configuration=found.configuration,
        kind=found.kind,
        score=None if found.score is None else number(found.score),
        scores={metric: number(float(score)) for metric, score in found.scores.items()},
        comment=found.comment,
        complete=found.complete,
        contact=msgspec.convert(found.contact, ResponseContact | None, from_attributes=True),
        account=AccountName(*found.account) if found.account else None,
        touchpoint=found.touchpoint,
        segments=found.segments,
        drivers=found.drivers,
        follow_up=found.follow_up,
        follow_up_details=found.follow_up_details,
        reference=found.reference,
        metadata=found.metadata,
        sent_at=found.sent_at,
        completed_at=found.completed_at,
        created_at=found.created_at,
    )


def contact(found: people.ContactRecord) -> ContactDocument:
    return ContactDocument(
        id=found.id,
        email=found.email,
        phone=found.phone,
        first_name=found.first_name,
        last_name=found.last_name,
        job_title=found.job_title,
        language=found.language,
        account=AccountName(*found.account) if found.account else None,
        segments=found.segments,
        created_at=found.created_at,
        changed_at=found.changed_at,
    )


def account(found: people.AccountRecord) -> AccountDocument:
    return msgspec.convert(found, AccountDocument, from_attributes=True)
