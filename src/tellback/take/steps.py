"""Where a session stands, as the page shows it, and what a form that comes late means. No I/O."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from tellback.core import surveys
from tellback.core.surveys import Given, Question, Session, Version
from tellback.take.forms import Sent

_SHORT = re.compile(r"[+-]?[0-9]{1,3}")
SCALE_LEAST, SCALE_MOST = 3, 12
#: Longer questions are set smaller.
LONG_QUESTION = 140


@dataclass(frozen=True, slots=True)
class Wording:
    """A question and its choices, as they are set on the page."""

    text: str
    choices: tuple[str, ...]

    @property
    def headline(self) -> str:
        """The question's first line; the rest explains it."""
        return self.text.strip().partition("\n")[0].strip()

    @property
    def explanation(self) -> str:
        return self.text.strip().partition("\n")[2].strip()

    @property
    def is_long(self) -> bool:
        return len(self.headline) > LONG_QUESTION

    @property
    def is_scale(self) -> bool:
        """Whether the choices are a row of numbers."""
        return SCALE_LEAST <= len(self.choices) <= SCALE_MOST and all(
            _SHORT.fullmatch(choice.strip()) for choice in self.choices
        )


@dataclass(frozen=True, slots=True)
class Step:
    """A question on the way. `number` counts from 1, `total` is the longest way, `shorter` if there is a shorter.

    `before` is the place of the question before it, `given` what was answered here already.
    """

    question: Question
    given: Given | None
    number: int
    total: int
    shorter: bool
    before: int | None

    @property
    def wording(self) -> Wording:
        return Wording(self.question.text, tuple(answer.text for answer in self.question.answers))


def step_at(version: Version, answers: Sequence[Given], wanted: int | None = None) -> Step | None:
    """The step at the question `wanted` if it was answered, else at the current one; None at the end."""
    given = next((one for one in answers if one.question == wanted), None)
    before = [one for one in answers if given is None or one.question < given.question]
    question = surveys.rules.current(version, before)
    if question is None:
        return None
    _, total = surveys.rules.progress(version, before)
    return Step(
        question,
        given,
        len(before) + 1,
        total,
        _branches(version, question.place),
        before[-1].question if before else None,
    )


def _branches(version: Version, place: int) -> bool:
    return any(
        answer.next != question.next for question in version.questions[place:] for answer in question.answers
    )


class Standing(Enum):
    """What a form means to the session as it stands now."""

    FRESH = "the session stands where it stood when the page was made"
    REPEATED = "this very answer was given already: a double click, or a page sent again"
    DIFFERENT = "the question was answered otherwise since the page was made"
    LEFT = "the session's way does not come by this question any more"


def standing(session: Session, version: Version, sent: Sent) -> Standing:
    """How a form stands to its session, which is not complete."""
    if sent.step is None or sent.question is None or sent.step == session.step:
        return Standing.FRESH
    given = next((one for one in session.answers if one.question == sent.question), None)
    if given is not None:
        return Standing.REPEATED if sent.repeats(given) else Standing.DIFFERENT
    current = surveys.rules.current(version, session.answers)
    return Standing.FRESH if current and current.place == sent.question else Standing.LEFT
