"""Provisioning, section `surveys`: checked across the document, compared with what is stored, stored."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from tellback.core import changes, form
from tellback.core.people import section_queries as people_queries
from tellback.core.projects import section_queries as project_queries
from tellback.core.projects import section_state as projects
from tellback.core.section import Scope, Section, Step, Stored, by_key, compare, in_use
from tellback.core.surveys import rules as session_rules
from tellback.core.surveys import section_forms as forms
from tellback.core.surveys import section_queries as queries
from tellback.core.surveys import section_rules as rules
from tellback.core.surveys.section_model import AnswerDoc, QuestionDoc, SurveyDoc, TicketsDoc, WhenDoc
from tellback.storage.database import Reader, Row, Transaction


@dataclass(frozen=True)
class Surveys:
    """What is stored, by id as text; versions and highest answer ids by id; and who holds the given tokens."""

    surveys: Mapping[str, Stored[SurveyDoc]]
    versions: Mapping[int, int]
    last_answer_ids: Mapping[int, int]
    token_holders: Mapping[str, tuple[int, int, bool]]


NOTHING = Surveys({}, {}, {}, {})


def _stored(scope: Scope) -> Surveys:
    stored: Surveys = scope.stored["surveys"] if scope.stored else NOTHING
    return stored


def _key(survey: SurveyDoc) -> str:
    return str(survey.id)


async def _load(reader: Reader, scope: Scope) -> Surveys:
    rows = await queries.surveys(reader, scope.workspace_id)
    tokens = [one.take_token for one in scope.listed("surveys") if one.take_token is not form.KEPT]
    return Surveys(
        by_key((Stored(row["id"], _survey(row), row["archived"]) for row in rows), _key),
        {row["id"]: row["version"] for row in rows},
        {row["id"]: row["last_answer_id"] for row in rows},
        await queries.token_holders(reader, tokens),
    )


def _survey(row: Row) -> SurveyDoc:
    tickets = None
    if row["tickets"] and row["project"]:
        below = WhenDoc(msgspec.json.decode(row["tickets"])["score_below"])
        tickets = TicketsDoc(row["project"], row["feedback_type"], below, row["default_submitter"])
    return SurveyDoc(
        id=row["id"],
        title=row["title"],
        description=row["description"],
        questions=tuple(_question(one) for one in msgspec.json.decode(row["questions"])),
        channels=tuple(row["channels"]),
        state=row["state"],
        take_token=row["take_token"],
        embed_origins=tuple(row["embed_origins"]),
        tickets=tickets,
    )


def _question(stored: Mapping[str, Any]) -> QuestionDoc:
    answers = tuple(AnswerDoc(**answer) for answer in stored["answers"])
    return QuestionDoc(**{**stored, "answers": answers})


def _show(stored: Surveys, scope: Scope) -> Sequence[SurveyDoc]:
    return in_use(stored.surveys)


def _check(scope: Scope) -> None:
    stored = _stored(scope)
    types = projects.known_types(scope)
    tokens: set[str] = set()
    for survey in scope.listed("surveys"):
        known = stored.surveys.get(_key(survey))
        if known is not None:
            for member, message in rules.transition(known.thing, survey):
                scope.fault(form.join(survey.at, member), message)
        token = survey.take_token
        if token is not form.KEPT:
            if token in tokens or _token_taken(scope, survey):
                scope.fault(
                    f"{survey.at}.take_token", f"{token!r} is in use already; every survey has its own"
                )
            tokens.add(token)
        wanted = survey.tickets
        if wanted and types is not None and (wanted.project.lower(), wanted.type.lower()) not in types:
            scope.fault(
                f"{survey.at}.tickets.type",
                f"there is no feedback type {wanted.type!r} in a project {wanted.project!r}",
            )


def _token_taken(scope: Scope, survey: SurveyDoc) -> bool:
    """Whether another survey has this token and keeps it. Nothing is said of whose it is."""
    holder = _stored(scope).token_holders.get(survey.take_token)
    if holder is None or holder[:2] == (scope.workspace_id, survey.id):
        return False
    workspace_id, survey_id, archived = holder
    if workspace_id != scope.workspace_id:
        return True
    becomes = next((one for one in scope.listed("surveys") if one.id == survey_id), None)
    if becomes is None:
        return not (archived or scope.prune)
    return becomes.take_token in (form.KEPT, survey.take_token)


def _plan(scope: Scope) -> Sequence[Step[SurveyDoc]]:
    stored = _stored(scope)
    return compare(
        "surveys", forms.SURVEY, stored.surveys,
        [_with_ids(stored, survey)[0] for survey in scope.listed("surveys")], _key, _key,
        prune=scope.prune, leaving=("questions", "tickets"), also=_differences,
    )  # fmt: skip


def _with_ids(stored: Surveys, survey: SurveyDoc) -> tuple[SurveyDoc, int]:
    """The survey with an id for every answer, and the highest id there ever was."""
    known = stored.surveys.get(_key(survey))
    questions, highest = rules.with_ids(
        survey.questions,
        known.thing.questions if known else (),
        stored.last_answer_ids.get(survey.id, 0),
    )
    return replace(survey, questions=questions), highest


def _differences(known: Stored[SurveyDoc], wanted: SurveyDoc) -> Iterable[form.MemberChange]:
    before, after = known.thing, wanted
    old = {question.title: question for question in before.questions}
    new = {question.title: question for question in after.questions}
    for title in rules.changed_titles(before.questions, after.questions):
        yield form.MemberChange(
            f"questions.{title}",
            _plain(forms.QUESTION, old.get(title)),
            _plain(forms.QUESTION, new.get(title)),
        )
    if list(old) != list(new):
        yield form.MemberChange("questions", list(old), list(new))
    was, becomes = before.tickets, after.tickets
    if (was and was.compared) != (becomes and becomes.compared):
        yield form.MemberChange("tickets", _plain(forms.TICKETS, was), _plain(forms.TICKETS, becomes))


def _plain(written: form.Object, thing: QuestionDoc | TicketsDoc | None) -> dict[str, Any] | None:
    return None if thing is None else written.write(thing)


async def _store(tx: Transaction, scope: Scope, steps: Sequence[Step[SurveyDoc]]) -> None:
    given = [step.thing.take_token for step in steps if step.thing and step.thing.take_token is not form.KEPT]
    if given:
        await queries.release_tokens(tx, scope.workspace_id, given)
    for step in steps:
        if step.thing is not None:
            await _put(tx, scope, step.thing, step.stored)
    gone = [step.stored.id for step in steps if step.thing is None and step.stored]
    if gone:
        await queries.archive_surveys(tx, scope.workspace_id, gone)


async def _put(tx: Transaction, scope: Scope, wanted: SurveyDoc, known: Stored[SurveyDoc] | None) -> None:
    stored = _stored(scope)
    survey, last_answer_id = _with_ids(stored, wanted)
    version = stored.versions.get(survey.id, 1)
    if known is not None and known.thing.state != "draft" and known.thing.questions != survey.questions:
        version += 1  # sessions stay on the version they began with
    columns = {
        "title": survey.title,
        "description": survey.description,
        "channels": list(_kept(survey.channels, known.thing.channels if known else ())),
        "state": _kept(survey.state, known.thing.state if known else "draft"),
        "version": version,
        "last_answer_id": last_answer_id,
        "take_token": _kept(
            survey.take_token, known.thing.take_token if known else session_rules.new_token()
        ),
        "embed_origins": list(survey.embed_origins),
        "tickets": await _tickets(tx, scope, survey.tickets),
    }
    await queries.put_survey(tx, scope.workspace_id, survey.id, known is not None, columns)
    if known is None or known.thing.questions != survey.questions:
        questions = [forms.QUESTION.write(one) for one in survey.questions]
        await queries.put_version(
            tx, scope.workspace_id, survey.id, version, [_whole(question) for question in questions]
        )


def _kept(given: Any, stored: Any) -> Any:
    return stored if given is form.KEPT else given


def _whole(question: dict[str, Any]) -> dict[str, Any]:
    """A question as it is stored: what has a default is there too."""
    answers = [{"goto": None, "end": False, **answer} for answer in question.get("answers", ())]
    return {"metric": "none", **question, "answers": answers}


async def _tickets(tx: Transaction, scope: Scope, wanted: TicketsDoc | None) -> dict[str, Any] | None:
    if wanted is None:
        return None
    found = await project_queries.feedback_type(tx, scope.workspace_id, wanted.project, wanted.type)
    if found is None:  # the check has seen it, so the projects of this run have it
        return None
    submitter = None
    if wanted.default_submitter:
        ids, made = await people_queries.ensure_contacts(
            tx, scope.workspace_id, [(wanted.default_submitter, None)]
        )
        [submitter] = ids.values()
        scope.feed += [changes.NewChange("contact.created", "contact", str(id), scope.actor) for id in made]
    project_id, type_id = found
    return {
        "project_id": project_id,
        "type_id": type_id,
        "score_below": wanted.when.score_below,
        "default_submitter": submitter,
    }


async def export(reader: Reader, workspace_id: int, survey_id: int) -> dict[str, Any] | None:
    """A survey as an item of a document's `surveys`; None where there is none."""
    rows = await queries.surveys(reader, workspace_id)
    found = next((row for row in rows if row["id"] == survey_id and not row["archived"]), None)
    return forms.SURVEY.write(_survey(found)) if found else None


SECTION = Section("surveys", forms.SURVEYS, _load, _show, _check, _plan, _store)
