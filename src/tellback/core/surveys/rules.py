"""Decisions about sessions: state and reply in, next state or refusal out. No I/O."""

from __future__ import annotations

import secrets
import string
from collections.abc import Mapping, Sequence
from typing import Any

from tellback.core import errors
from tellback.core.surveys.model import (
    SCORES,
    Answer,
    Channel,
    Given,
    Move,
    Outcome,
    Question,
    Reply,
    Session,
    Survey,
    Version,
)

TEXT_LIMIT = 65_535  # characters
#: Names for the two ways to answer, for faults; a surface puts its own field's name in their place.
TEXT, CHOICE = "text", "choice"

_SIGNS = string.ascii_letters + string.digits
_TOKEN_SIGNS = 12  # of 62 each: 71 bits, as short as the addresses people know


def new_token() -> str:
    """What a session is known by, and by nothing else: random, fit for an address, a secret in logs."""
    return "".join(secrets.choice(_SIGNS) for _ in range(_TOKEN_SIGNS))


def compiled(number: int, questions: Sequence[Mapping[str, Any]]) -> Version:
    """A version from its stored form ({title, text, type, metric, answers: [{id, text, value, goto, end}]})."""
    places = {question["title"]: place for place, question in enumerate(questions)}
    return Version(
        number,
        tuple(_question(place, stored, places, len(questions)) for place, stored in enumerate(questions)),
    )


def _question(place: int, stored: Mapping[str, Any], places: Mapping[str, int], count: int) -> Question:
    following = place + 1 if place + 1 < count else None

    def leads_to(answer: Mapping[str, Any]) -> int | None:
        if answer.get("end"):
            return None
        return places[answer["goto"]] if answer.get("goto") else following

    answers = tuple(
        Answer(answer["id"], answer["text"], answer["value"], leads_to(answer))
        for answer in stored.get("answers") or ()
    )
    return Question(
        place,
        stored["title"],
        stored["text"],
        stored["type"],
        stored["metric"],
        answers,
        following,
        {answer.id: answer for answer in answers},
    )


def startable(survey: Survey | None, channel: Channel) -> bool:
    """Whether new sessions may start on a channel."""
    return survey is not None and survey.state == "deployed" and channel in survey.channels


def current(version: Version, answers: Sequence[Given]) -> Question | None:
    """The question that comes after these answers; None when that was the last."""
    if not answers:
        return version.questions[0]
    place = _following(version, answers[-1])
    return None if place is None else version.questions[place]


def _following(version: Version, given: Given) -> int | None:
    question = version.questions[given.question]
    return question.next if given.answer is None else question.choices[given.answer].next


def judge(
    session: Session, version: Version, reply: Reply, *, longest_idle: float, at: int | None = None
) -> Move:
    """Where a reply takes a session.

    `at` is the place of an answered question to answer anew, with everything that came after it dropped; None
    is the current question. `longest_idle` is in seconds. Raises `Conflict` for a complete session, `Gone` for
    one that stood still too long, `Invalid` (where: TEXT or CHOICE) for a reply the question does not take.
    """
    open_or_raise(session, longest_idle)
    kept = session.answers if at is None else _before(session.answers, at)
    question = current(version, kept)
    if question is None or (at is not None and question.place != at):
        raise errors.Conflict("This question is not one that the session has come to.")
    answers = (*kept, _taken(question, reply))
    return Move(session, answers, current(version, answers))


def open_or_raise(session: Session, longest_idle: float) -> None:
    """Raises `Conflict` for a complete session, `Gone` for one that stood still for over `longest_idle` seconds."""
    if session.complete:
        raise errors.Conflict("This session is complete.")
    if session.expired or session.idle > longest_idle:
        raise errors.Gone("This session has expired; start a new one.")


def _before(answers: Sequence[Given], place: int) -> tuple[Given, ...]:
    """The answers on the way to a question; all of them where it was not answered yet."""
    return tuple(given for given in answers if given.question < place)


def _taken(question: Question, reply: Reply) -> Given:
    if question.type == "enter_text":
        if reply.text is None or not reply.text.strip():
            raise _refused(TEXT, f"{question.title!r} is answered with a text.")
        if len(reply.text) > TEXT_LIMIT:
            raise _refused(
                TEXT, f"The text is {len(reply.text):,} characters long; {TEXT_LIMIT:,} are allowed."
            )
        return Given(question.place, text=reply.text)
    if reply.choice is None or reply.choice not in question.choices:
        raise _refused(CHOICE, f"{question.title!r} is answered with the id of one of its answers.")
    return Given(question.place, answer=reply.choice)


def _refused(where: str, message: str) -> errors.Invalid:
    return errors.Invalid([errors.Fault(where, message)])


def progress(version: Version, answers: Sequence[Given]) -> tuple[int, int]:
    """How many questions are answered, and how many there are on the longest way to the end."""
    longest = [1] * len(version.questions)
    for question in reversed(version.questions):
        ways = [answer.next for answer in question.answers] or [question.next]
        longest[question.place] = 1 + max((longest[way] for way in ways if way is not None), default=0)
    ahead = current(version, answers)
    return len(answers), len(answers) + (longest[ahead.place] if ahead else 0)


def outcome(version: Version, answers: Sequence[Given]) -> Outcome:
    """What answers come to. Of several questions with one metric the first that was answered counts."""
    scores: dict[str, float] = {}
    comments: list[str] = []
    satisfied = None
    for given in answers:
        question = version.questions[given.question]
        if given.answer is not None and question.metric in SCORES:
            score_given = float(question.choices[given.answer].value)
            if question.metric == "csat" and satisfied is None:
                satisfied = score_given in highest_two(question)
            scores.setdefault(question.metric, score_given)
        elif given.text is not None and question.metric == "feedback":
            comments.append(given.text)
    kind, score = next(iter(scores.items()), (None, None))
    return Outcome(kind, score, scores, "\n\n".join(comments) or None, satisfied)


def highest_two(question: Question) -> frozenset[float]:
    """The two highest scores that a question offers (contract, "Figures": CSAT counts these)."""
    return frozenset(sorted({float(answer.value) for answer in question.answers})[-2:])


def transcript(version: Version, answers: Sequence[Given]) -> str:
    """Questions and answers as people read them."""
    return "\n\n".join(
        f"{version.questions[given.question].text}\n{answer_text(version, given)}" for given in answers
    )


def answer_text(version: Version, given: Given) -> str:
    """What was answered, in words."""
    if given.answer is None:
        return given.text or ""
    return version.questions[given.question].choices[given.answer].text
