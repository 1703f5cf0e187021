"""What becomes of texts when a person is erased, and by what they are found."""

from __future__ import annotations

import json
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tellback.core.erased import ERASED
from tellback.core.erasure import rules
from tellback.core.erasure.model import Person

ANN = Person(7, "Ann@Example.com", "+46 (70) 123-45-67", ("Ann Tester", "Ann"))


def test_keeps_choices_and_numbers_of_a_ticket() -> None:
    kinds = {
        "title": "text",
        "severity": "single_choice",
        "devices": "multiple_choice",
        "stars": "rating_scale",
    }
    values = {
        "title": "It broke",
        "severity": "High",
        "devices": ["Phone"],
        "stars": 4,
        "gone": "from the form",
    }
    assert rules.values(values, kinds) == {**values, "title": ERASED, "gone": ERASED}


def test_keeps_choices_and_times_of_a_session() -> None:
    answers = [{"question": 0, "answer": 2, "at": "then"}, {"question": 1, "text": "No!", "at": "then"}]
    assert rules.answers(answers) == [answers[0], {"question": 1, "text": ERASED, "at": "then"}]


def test_keeps_segments_but_those_that_name_the_person() -> None:
    copies = {
        "contact": {"tier": "gold", "nick": "ann", "mail": "ann@example.com"},
        "account": {"region": "Annecy"},
    }
    assert rules.segments(copies, ANN) == {
        "contact": {"tier": "gold", "nick": ERASED, "mail": ERASED}, "account": {"region": "Annecy"},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Ask ann@example.com.", "Ask erased."),
        ("<ANN@EXAMPLE.COM>", "<erased>"),
        ("ann@example.com, ann@example.com", "erased, erased"),
        ("call +46 (70) 123-45-67 or +46701234567", "call erased or erased"),
        ("joann@example.com", "joann@example.com"),
        ("ann@example.com.au", "ann@example.com.au"),
        ("ann@example.community", "ann@example.community"),
        ("+467012345678", "+467012345678"),
        ("Ann Tester", "Ann Tester"),  # many are called that
    ],
)
def test_replaces_address_and_number_and_nothing_longer(text: str, left: str) -> None:
    known = rules.identified(ANN)
    assert known is not None
    assert rules.without({"a": [text, 1, None, {text: text}]}, known) == {"a": [left, 1, None, {left: left}]}


def test_looks_for_no_number_that_may_be_another() -> None:
    assert rules.identities(Person(1, None, "123-456")) == []
    assert rules.identified(Person(1, None, "123-456")) is None


@pytest.mark.parametrize(
    ("respondent", "theirs"),
    [
        ({"email": " ANN@example.com"}, True),
        ({"phone": "+46701234567"}, True),
        ({"email": "bo@example.com", "phone": "+46701234567"}, False),  # whose phone it is, stays another's
        ({"first_name": "Ann"}, False),
        (None, False),
    ],
)
def test_tells_whose_session_it_is(respondent: dict[str, str] | None, theirs: bool) -> None:
    assert rules.is_theirs(respondent, ANN) is theirs


@given(st.text(min_size=20, max_size=200).filter(lambda text: len(text.strip()[:60].strip()) >= 12))
def test_finds_a_text_however_a_body_has_it(text: str) -> None:
    needles = rules.needles(Person(1), [text])
    bodies = [
        text, json.dumps({"t": text}), json.dumps({"t": text}, ensure_ascii=False), urlencode({"t": text.strip()}),
        json.dumps({"body": json.dumps({"t": text}, ensure_ascii=False)}, ensure_ascii=False),
    ]  # fmt: skip
    assert [body for body in bodies if not any(needle in body for needle in needles)] == []


def test_looks_for_no_text_that_anybody_may_have_written() -> None:
    assert rules.needles(Person(1), ["Thank you", ERASED, ""]) == []
