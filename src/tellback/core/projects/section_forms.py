"""Provisioning, section `projects`: what a project, its people, types and sources may be."""

from __future__ import annotations

import re
from typing import Any

from tellback.core import form, form_values
from tellback.core.projects import section_rules as rules
from tellback.core.projects.section_model import (
    ElementDoc,
    OptionDoc,
    ParticipantDoc,
    ProjectDoc,
    SatisfactionAnswerDoc,
    SatisfactionDoc,
    SlaDoc,
    SourceDoc,
    StatusDoc,
    TypeDoc,
)

ELEMENT_TYPES = ("text", "single_choice", "multiple_choice", "rating_scale", "file")
STATUS_KINDS = ("open", "answered", "closed")
ROLES = ("subject", "body")
UNMAPPED = ("ignore", "reject")
_PREFIX = re.compile(r"\w[\w.\-]*\Z")


def _element(at: str, **members: Any) -> ElementDoc:
    return ElementDoc(at=at, **members | {"label": members["label"] or members["key"]})


def _source(at: str, **members: Any) -> SourceDoc:
    return SourceDoc(at=at, **members | {"name": members["name"] or members["key"]})


def _type(at: str, **members: Any) -> TypeDoc:
    return TypeDoc(at=at, **members | {"name": members["name"] or members["key"]})


_NAME = form_values.Text()
_LABEL = form_values.Text(free=True)  # compared to the letter with what senders send
_KEY = form_values.key()

PARTICIPANT = form.Object(
    "participant",
    {"email": form.Member(form_values.Email()), "name": form.Member(_NAME, form.KEPT)},
    ParticipantDoc,
)
STATUS = form.Object(
    "status",
    {
        "name": form.Member(_NAME),
        "kind": form.Member(form_values.Choice(STATUS_KINDS)),
        "webhook": form.optional(_KEY),
    },
    StatusDoc,
)
OPTION = form.Short(
    form.Object("option", {"label": form.Member(_LABEL), "internal": form.optional(_LABEL)}, OptionDoc),
    "label",
)
ELEMENT = form.Object(
    "element",
    {
        "key": form.Member(_KEY),
        "label": form.optional(_NAME),
        "type": form.Member(form_values.Choice(ELEMENT_TYPES)),
        "required": form.optional(form_values.Truth(), False),
        "role": form.optional(form_values.Choice(ROLES)),
        "options": form.optional(form.ListOf(OPTION, least=1, most=1_000), ()),
        "min": form.optional(form_values.Whole(-1_000_000, 1_000_000)),
        "max": form.optional(form_values.Whole(-1_000_000, 1_000_000)),
    },
    _element,
    rules.element,
)
SLA = form.Object(
    "SLA",
    {
        "response": form.optional(form_values.Duration()),
        "handling": form.optional(form_values.Duration()),
        "warn_before": form.optional(form_values.Duration()),
    },
    SlaDoc,
    rules.sla,
)
SATISFACTION = form.Object(
    "satisfaction question",
    {
        "text": form.Member(form_values.Text(most=1_000, free=True)),
        "answers": form.Member(
            form.ListOf(
                form.Object(
                    "answer",
                    {"text": form.Member(_LABEL), "value": form.Member(form_values.Number())},
                    SatisfactionAnswerDoc,
                ),
                key="text",
                least=1,
                most=100,
            )
        ),
    },
    SatisfactionDoc,
)
SOURCE = form.Object(
    "external source",
    {
        "key": form.Member(_KEY),
        "name": form.optional(_NAME),
        "api_key": form.Member(_NAME),
        "status": form.optional(_NAME),
        "status_parameter": form.optional(_LABEL, "status", told=True),
        "default_submitter": form.optional(form_values.Email()),
        "submitter_parameter": form.optional(_LABEL, "submitter", told=True),
        "fields": form.optional(form.MapOf(_KEY, _LABEL), ()),
        "unmapped": form.optional(form_values.Choice(UNMAPPED), "ignore", told=True),
        "run_automation": form.optional(form_values.Truth(), True, told=True),
        "run_workflow": form.optional(form_values.Truth(), True, told=True),
    },
    _source,
    rules.source,
)
TYPE = form.Object(
    "feedback type",
    {
        "key": form.Member(_KEY),
        "name": form.optional(_NAME),
        "prefix": form.Member(
            form_values.Text("a prefix (letters, digits, _ . -; 15 at most)", most=15, shape=_PREFIX)
        ),
        "digits": form.optional(form_values.Whole(1, 12), 4, told=True),
        "statuses": form.Member(form.ListOf(STATUS, key="name", least=1, most=200)),
        "elements": form.Member(form.ListOf(ELEMENT, key="key", least=1, most=500)),
        "sla": form.optional(SLA),
        "satisfaction": form.optional(SATISFACTION),
        "external_sources": form.optional(form.ListOf(SOURCE, key="key", fold=True, most=1_000), ()),
    },
    _type,
    rules.feedback_type,
)
PROJECT = form.Object(
    "project",
    {
        "key": form.Member(_KEY),
        "name": form.Member(_NAME, form.KEPT),
        "participants": form.optional(form.ListOf(PARTICIPANT, key="email", fold=True), ()),
        "feedback_types": form.optional(form.ListOf(TYPE, key="key", fold=True, most=1_000), ()),
    },
    ProjectDoc,
)
PROJECTS = form.ListOf(PROJECT, key="key", fold=True, most=10_000)
