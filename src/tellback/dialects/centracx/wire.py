"""Bodies of this vendor's calls: parsed into the core's types, rendered from them. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from tellback.core import errors, people, surveys
from tellback.core.intake import Unmatched
from tellback.core.surveys import Question, Reply, Respondent, Session, Survey

TYPES = {"choose_one": "Choose one", "enter_text": "Enter text"}
INVALID, PARTIAL, COMPLETE = (4, "Invalid"), (5, "Partially Complete"), (6, "Complete")
#: The field of a reply that each way of answering takes.
FIELDS = {surveys.rules.TEXT: "feedback", surveys.rules.CHOICE: "answerId"}

_WHOLE = re.compile(r"\s*[0-9]{1,18}\s*")
_RESPONDENT = {
    "email": "email",
    "phone": "phone",
    "firstName": "first_name",
    "lastName": "last_name",
    "account": "account",
}
_SHAPES: Mapping[str, tuple[Callable[[str], bool], str]] = {
    "email": (people.rules.valid_email, "a valid e-mail address"),
    "phone": (people.rules.valid_phone, "a phone number"),
}


@dataclass(frozen=True, slots=True)
class Arrived:
    """What the intake log says of a body's members."""

    unmapped: tuple[str, ...]
    missing: tuple[str, ...] = ()
    unmatched: tuple[Unmatched, ...] = ()
    submitter_decision: str | None = None


def arrived(body: Mapping[str, Any], known: Sequence[str]) -> Arrived:
    """The members of a body that mean nothing here."""
    return Arrived(tuple(name for name in body if name not in known))


START_MEMBERS = ("respondent", "metadata")
REPLY_MEMBERS = tuple(FIELDS.values())


def start(body: Mapping[str, Any]) -> tuple[Respondent | None, Mapping[str, Any]]:
    """Respondent and metadata of a session to start. Raises `Invalid` with every fault."""
    faults: list[errors.Fault] = []
    given, metadata = body.get("respondent"), body.get("metadata")
    for name, value in (("respondent", given), ("metadata", metadata)):
        if value is not None and not isinstance(value, dict):
            faults.append(errors.Fault(name, f"The field '{name}' must be an object."))
    if faults:
        raise errors.Invalid(faults)
    respondent = _respondent(given, faults) if given else None
    if faults:
        raise errors.Invalid(faults)
    return respondent, metadata or {}


def _respondent(given: Mapping[str, Any], faults: list[errors.Fault]) -> Respondent | None:
    members: dict[str, str] = {}
    for sent, name in _RESPONDENT.items():
        value = given.get(sent)
        if value is None:
            continue
        where = f"respondent.{sent}"
        if not isinstance(value, str):
            faults.append(errors.Fault(where, f"The field '{where}' must be a text."))
            continue
        text = value.strip()
        fits, due = _SHAPES.get(sent, (None, ""))
        if len(text) > people.rules.NAME_LIMIT:
            limit = people.rules.NAME_LIMIT
            faults.append(errors.Fault(where, f"The field '{where}' is longer than {limit} characters."))
        elif text and fits is not None and not fits(text):
            faults.append(errors.Fault(where, f"The field '{where}' must be {due}."))
        elif text:
            members[name] = text
    return Respondent(**members) if members else None


def reply(body: Mapping[str, Any]) -> Reply:
    """What a body answers. A member of another type than is due counts as absent."""
    text, choice = body.get("feedback"), cast(Any, body.get("answerId"))
    in_words = isinstance(choice, str) and _WHOLE.fullmatch(choice)
    if in_words or (isinstance(choice, float) and choice.is_integer()):  # 48.0 is 48 in JSON
        choice = int(choice)
    whole = isinstance(choice, int) and not isinstance(choice, bool)
    return Reply(text if isinstance(text, str) else None, choice if whole else None)


def in_their_words(refused: errors.Invalid) -> errors.Invalid:
    """A refused reply's faults under the names of this vendor's fields."""
    return errors.Invalid(
        [
            errors.Fault(FIELDS[fault.where], f"The field '{FIELDS[fault.where]}' is due. {fault.message}")
            for fault in refused.faults
        ]
    )


def listed(deployed: Sequence[tuple[int, str]]) -> list[dict[str, Any]]:
    """The body of the list of surveys."""
    return [{"id": id, "description": description} for id, description in deployed]


def started(survey: Survey, token: str) -> dict[str, Any]:
    """The body of a start."""
    question = survey.version.questions[0]
    return {
        "message": "New Session Started",
        "survey": {"title": survey.title},
        "question": {
            "text": question.text,
            "type": TYPES[question.type],
            "title": question.title,
            "answers": _answers(question),
        },
        "sessionId": token,
    }


def moved(question: Question | None) -> dict[str, Any]:
    """The body of a reply that was taken: the next question, or that there is none."""
    if question is None:
        over: dict[str, Any] = {
            "question": None,
            "title": None,
            "type": None,
            "answers": [],
            "message": "Survey Complete",
        }
        return {"status": 200, "data": over}
    data = {
        "question": question.text,
        "title": question.title,
        "type": TYPES[question.type],
        "answers": _answers(question),
    }
    return {"status": 200, "data": data}


def status(session: Session | None) -> dict[str, Any]:
    """The body of a session's status."""
    id, description = INVALID if session is None else COMPLETE if session.complete else PARTIAL
    return {"status": {"id": id, "description": description}}


def _answers(question: Question) -> list[dict[str, Any]]:
    return [{"text": one.text, "id": one.id, "value": one.value} for one in question.answers]
