"""Random walks through random branching surveys, against a model that is nothing but the contract's words."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from tests.core.test_surveys_rules import DAY, fresh
from tests.support.questions import choice, text

from tellback.core import errors
from tellback.core.surveys import Reply, Session, Version, rules


@st.composite
def questions(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Up to eight questions whose answers lead forwards, on, or out."""
    count = draw(st.integers(1, 8))
    made = []
    for place in range(count):
        if draw(st.booleans()):
            made.append(text(f"Q{place}", draw(st.sampled_from(["feedback", "none"]))))
            continue
        answers = []
        for number in range(draw(st.integers(1, 4))):
            leads = draw(st.sampled_from(["on", "end", *(f"Q{later}" for later in range(place + 1, count))]))
            answers.append(
                {"id": 100 * place + number, "value": str(draw(st.integers(0, 10)))}
                | ({"end": True} if leads == "end" else {"goto": leads} if leads != "on" else {})
            )
        made.append(choice(f"Q{place}", *answers, metric=draw(st.sampled_from(["nps", "csat", "none"]))))
    return made


@dataclass
class Model:
    """The contract: the title of the current question, None at the end, and what was said."""

    stored: list[dict[str, Any]]
    current: str | None = "Q0"
    said: list[tuple[str, Any]] = field(default_factory=list)

    def question(self) -> dict[str, Any]:
        return next(one for one in self.stored if one["title"] == self.current)

    def take(self, reply: Reply) -> bool:
        """Whether the reply counts."""
        question = self.question()
        if question["type"] == "enter_text":
            if reply.text is None or reply.text.strip() == "":
                return False
            self._go(question, reply.text, {})
            return True
        chosen = [one for one in question["answers"] if one["id"] == reply.choice]
        if not chosen:
            return False
        self._go(question, reply.choice, chosen[0])
        return True

    def _go(self, question: dict[str, Any], said: Any, answer: dict[str, Any]) -> None:
        self.said.append((question["title"], said))
        titles = [one["title"] for one in self.stored]
        following = titles[titles.index(question["title"]) + 1 :]
        self.current = following[0] if following else None
        if answer.get("goto"):
            self.current = answer["goto"]
        if answer.get("end"):
            self.current = None

    def score(self) -> float | None:
        for title, said in self.said:
            question = next(one for one in self.stored if one["title"] == title)
            if question["metric"] in ("nps", "csat"):
                return float(next(one["value"] for one in question["answers"] if one["id"] == said))
        return None


class Walk(RuleBasedStateMachine):
    model: Model
    version: Version
    session: Session

    @initialize(stored=questions())
    def start(self, stored: list[dict[str, Any]]) -> None:
        self.model = Model(stored)
        self.version = rules.compiled(1, stored)
        self.session = fresh()

    @rule(reply=st.builds(Reply, st.none() | st.sampled_from(["", " ", "words"]), st.integers(0, 999)))
    def reply_anything(self, reply: Reply) -> None:
        self._both(reply)

    @precondition(lambda self: self.model.current is not None)
    @rule(data=st.data())
    def reply_well(self, data: st.DataObject) -> None:
        question = self.model.question()
        ids = [one["id"] for one in question["answers"]]
        self._both(Reply(text="words", choice=data.draw(st.sampled_from(ids)) if ids else None))

    def _both(self, reply: Reply) -> None:
        before = self.session
        try:
            move = rules.judge(self.session, self.version, reply, longest_idle=DAY)
        except errors.Conflict:
            assert self.model.current is None
            return
        except errors.Invalid:
            assert self.model.current is not None
            assert not self.model.take(reply)
            assert self.session == before
            return
        assert self.model.take(reply)
        assert (move.next.title if move.next else None) == self.model.current
        self.session = replace(self.session, answers=move.answers, complete=move.next is None)
        self._agree()

    def _agree(self) -> None:
        said = [
            (self.version.questions[one.question].title, one.text if one.answer is None else one.answer)
            for one in self.session.answers
        ]
        assert said == self.model.said
        assert rules.outcome(self.version, self.session.answers).score == self.model.score()
        done, all = rules.progress(self.version, self.session.answers)
        assert done == len(said)
        assert (done == all) == (self.model.current is None)


TestWalks = Walk.TestCase
TestWalks.settings = settings(max_examples=1_000, stateful_step_count=20, deadline=None)
