"""Provisioning, section `surveys`: what a survey may be."""

from __future__ import annotations

import re
from typing import Any

from tellback.core import form, form_values
from tellback.core.surveys import section_rules as rules
from tellback.core.surveys.section_model import AnswerDoc, QuestionDoc, SurveyDoc, TicketsDoc, WhenDoc

CHANNELS = ("api", "web")
STATES = ("draft", "deployed", "closed")
TYPES = ("choose_one", "enter_text")
METRICS = ("nps", "csat", "ces", "agent_quality", "feedback", "none")
LARGEST_ID = 2**31 - 1
_ORIGIN = re.compile(r"https?://[A-Za-z0-9.\-]+(:[0-9]{1,5})?\Z")


def _answer(at: str, **members: Any) -> AnswerDoc:
    return AnswerDoc(
        at=at, **members | {"value": members["text"] if members["value"] is None else members["value"]}
    )


def _survey(at: str, **members: Any) -> SurveyDoc:
    channels = members["channels"]
    if channels is not form.KEPT:
        channels = tuple(sorted(set(channels)))  # their order means nothing
    description = members["description"] or members["title"]
    return SurveyDoc(at=at, **members | {"channels": channels, "description": description})


_NAME = form_values.Text()
_WORDS = form_values.Text(most=65_535, free=True)

ANSWER = form.Object(
    "answer",
    {
        "id": form.optional(form_values.Whole(1, LARGEST_ID)),
        "text": form.Member(form_values.Text(most=1_000, free=True)),
        "value": form.optional(form_values.Text(free=True, least=0)),
        "goto": form.optional(_NAME),
        "end": form.optional(form_values.Truth(), False),
    },
    _answer,
    rules.answer,
)
QUESTION = form.Object(
    "question",
    {
        "title": form.Member(_NAME),
        "text": form.Member(_WORDS),
        "type": form.Member(form_values.Choice(TYPES)),
        "metric": form.optional(form_values.Choice(METRICS), "none"),
        "answers": form.optional(form.ListOf(ANSWER, most=1_000), ()),
    },
    QuestionDoc,
    rules.question,
)
TICKETS = form.Object(
    "tickets from low scores",
    {
        "project": form.Member(form_values.key()),
        "type": form.Member(form_values.key()),
        "when": form.Member(
            form.Object("condition", {"score_below": form.Member(form_values.Number())}, WhenDoc)
        ),
        "default_submitter": form.optional(form_values.Email()),
    },
    TicketsDoc,
)
SURVEY = form.Object(
    "survey",
    {
        "id": form.Member(form_values.Whole(1, LARGEST_ID)),
        "title": form.Member(_NAME),
        "description": form.optional(_NAME),
        "channels": form.Member(form.ListOf(form_values.Choice(CHANNELS)), form.KEPT),
        "state": form.Member(form_values.Choice(STATES), form.KEPT),
        "take_token": form.Member(form_values.key(), form.KEPT),
        "embed_origins": form.optional(
            form.ListOf(form_values.Text("an origin (https://www.example.com)", shape=_ORIGIN), most=100),
            (),
            told=True,
        ),
        "questions": form.Member(form.ListOf(QUESTION, key="title", least=1, most=1_000)),
        "tickets": form.optional(TICKETS),
    },
    _survey,
    rules.survey,
)
SURVEYS = form.ListOf(SURVEY, key="id", most=10_000)
