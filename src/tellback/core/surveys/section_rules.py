"""What must hold of a survey in the document, and what its answers are called. No I/O."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from tellback.core import form
from tellback.core.surveys.model import SCORES
from tellback.core.surveys.section_model import AnswerDoc, QuestionDoc, SurveyDoc

Problem = tuple[str, str]

_NUMBER = re.compile(r"[+-]?[0-9]{1,15}(\.[0-9]{1,15})?")
_STATES = ("draft", "deployed", "closed")


def answer(answer: AnswerDoc) -> Iterator[Problem]:
    """An answer leads on or ends, not both."""
    if answer.goto is not None and answer.end:
        yield "end", "goto and end exclude each other"


def question(question: QuestionDoc) -> Iterator[Problem]:
    """A question has what its type needs, and a metric that its type can measure."""
    if question.type == "enter_text":
        if question.answers:
            yield "answers", "an enter_text has no answers"
        if question.metric not in ("feedback", "none"):
            yield "metric", f"an enter_text cannot measure {question.metric}; it can be feedback or none"
        return
    if not question.answers:
        yield "answers", "a choose_one needs answers"
    if question.metric == "feedback":
        yield "metric", "feedback is what an enter_text collects"
    if question.metric in SCORES:
        yield from _scored(question)


def _scored(question: QuestionDoc) -> Iterator[Problem]:
    for place, one in enumerate(question.answers):
        at = f"answers[{place}].value"
        if not _NUMBER.fullmatch(one.value):
            yield at, f"a number is due here, because the question measures {question.metric}"
        elif question.metric == "nps" and not (
            0 <= float(one.value) <= 10 and math.floor(float(one.value)) == float(one.value)
        ):
            yield at, "nps takes whole numbers from 0 to 10"


def survey(survey: SurveyDoc) -> Iterator[Problem]:
    """Answers lead forwards, and no id means two of them."""
    places = {question.title: place for place, question in enumerate(survey.questions)}
    meant: dict[int, str] = {}
    for place, question in enumerate(survey.questions):
        for index, one in enumerate(question.answers):
            at = f"questions[{place}].answers[{index}]"
            if one.goto is not None and places.get(one.goto, -1) <= place:
                what = "comes no later" if one.goto in places else "is no question of this survey"
                yield f"{at}.goto", f"{one.goto!r} {what}; the title of a later question is due"
            if one.id is not None and meant.setdefault(one.id, at) != at:
                yield f"{at}.id", f"{one.id} is the id of {meant[one.id]} already"


def transition(stored: SurveyDoc, wanted: SurveyDoc) -> Iterator[Problem]:
    """A survey goes from draft to deployed to closed, and keeps its channels from its deployment on."""
    if wanted.state is not form.KEPT and _STATES.index(wanted.state) < _STATES.index(stored.state):
        yield "state", f"a {stored.state} survey cannot become {wanted.state} again; deploy it under a new id"
    if stored.state != "draft" and wanted.channels is not form.KEPT and wanted.channels != stored.channels:
        yield (
            "channels",
            f"the channels are frozen since it was deployed ({', '.join(stored.channels) or 'none'}); "
            "close it and deploy it anew under a new id",
        )


def with_ids(
    questions: Sequence[QuestionDoc], stored: Sequence[QuestionDoc], last: int
) -> tuple[tuple[QuestionDoc, ...], int]:
    """The questions with an id for every answer, and the highest id there ever was.

    An answer without one keeps the id that the stored question of that title has for that text; the others
    count on from `last`, the highest ever given, so that no id comes to mean another answer.
    """
    given = {one.id for question in questions for one in question.answers if one.id is not None}
    before: dict[tuple[str, str], list[int]] = defaultdict(list)
    for question in stored:
        for one in question.answers:
            if one.id is not None and one.id not in given:
                before[question.title, one.text].append(one.id)
    highest = max([last, *given, *(id for ids in before.values() for id in ids)], default=0)
    named = []
    for question in questions:
        answers = []
        for one in question.answers:
            id = one.id
            if id is None and before[question.title, one.text]:
                id = before[question.title, one.text].pop(0)
            elif id is None:
                highest += 1
                id = highest
            answers.append(replace(one, id=id))
        named.append(replace(question, answers=tuple(answers)))
    return tuple(named), highest


def changed_titles(before: Iterable[QuestionDoc], after: Iterable[QuestionDoc]) -> list[str]:
    """The titles of the questions that differ, are new or are gone."""
    old = {question.title: question for question in before}
    new = {question.title: question for question in after}
    return [title for title in {**old, **new} if old.get(title) != new.get(title)]
