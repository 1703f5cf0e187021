"""Which documents fit the conditions of rules, subscriptions and windows."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from tellback.core.conditions import NAMES, matches

TICKET: dict[str, Any] = {
    "id": 7,
    "project": "beta",
    "type": "Bugs",
    "source": {"channel": "external_source", "key": "app"},
    "status": "In progress",
    "tags": ["urgent", "Payments"],
    "submitter": {"contact_id": 3, "email": "Ann@example.com", "name": "Ann", "given": "ann.old@example.com"},
    "values": {
        "severity": "High",
        "devices": ["Phone", "Tablet"],
        "stars": 2,
        "build": "104",
        "source": "hand",
        "score": 9,
        "log": [],
    },
    "external": {"jira": {"issue_key": "DEMO-1", "votes": 12, "done": True}, "a.b": {"c": "dotted"}},
}
RESPONSE: dict[str, Any] = {
    "id": 1,
    "source": {"channel": "api_session", "key": "Kiosk"},
    "survey": 2,
    "score": 6.5,
    "contact": {"id": 3, "email": "bo@example.com"},
    "touchpoint": "Support",
}
RATING: dict[str, Any] = {"id": 1, "page": "main", "rating": 1, "recommendation": None}
SESSION: dict[str, Any] = {
    "id": "s1",
    "survey": 2,
    "respondent": {"email": "cy@example.com"},
    "channel": "web",
}


@pytest.mark.parametrize(
    ("conditions", "document"),
    [
        ({}, TICKET),
        ({"project": "beta", "type": "bugs", "severity": ["High"]}, TICKET),
        ({"project": "BETA", "source": "App"}, TICKET),
        ({"source": "external_source"}, TICKET),
        ({"status": ["New", "In progress"]}, TICKET),
        ({"tag": "urgent"}, TICKET),
        ({"tag": ["other", "Payments"]}, TICKET),
        ({"submitter": "ann@EXAMPLE.com"}, TICKET),
        ({"submitter": "ann.old@example.com"}, TICKET),
        ({"devices": "Tablet"}, TICKET),
        ({"devices": ["Desktop", "Phone"]}, TICKET),
        ({"stars": {"at_most": 2}}, TICKET),
        ({"stars": {"above": 1, "below": 3}}, TICKET),
        ({"stars": 2}, TICKET),
        ({"stars": "2"}, TICKET),
        ({"build": 104}, TICKET),
        ({"build": {"at_least": 104}}, TICKET),
        ({"score": {"above": 8}}, TICKET),
        ({"assigned_by": None}, TICKET),
        ({"log": None}, TICKET),
        ({"external.jira.issue_key": "DEMO-1"}, TICKET),
        ({"external.jira.votes": {"at_least": 12}}, TICKET),
        ({"external.jira.done": True}, TICKET),
        ({"external.jira.done": "true"}, TICKET),
        ({"external.a.b.c": "dotted"}, TICKET),
        ({"survey": 2, "score": {"below": 7}}, RESPONSE),
        ({"survey": "2", "touchpoint": "support", "submitter": "bo@example.com"}, RESPONSE),
        ({"page": "main", "rating": {"at_most": 2}}, RATING),
        ({"survey": [1, 2], "submitter": "cy@example.com"}, SESSION),
    ],
)
def test_takes_what_fits(conditions: dict[str, Any], document: dict[str, Any]) -> None:
    assert matches(conditions, document)


@pytest.mark.parametrize(
    ("conditions", "document"),
    [
        ({"project": "beta", "type": "ideas"}, TICKET),
        ({"severity": "high"}, TICKET),
        ({"status": "in progress"}, TICKET),
        ({"status": None}, TICKET),
        ({"tag": "Urgent"}, TICKET),
        ({"tag": "urg"}, TICKET),
        ({"source": "hand"}, TICKET),
        ({"submitter": None}, TICKET),
        ({"stars": {"below": 2}}, TICKET),
        ({"stars": {"above": 1, "below": 2}}, TICKET),
        ({"stars": True}, TICKET),
        ({"severity": {"above": 0}}, TICKET),
        ({"build": "0104"}, TICKET),
        ({"external.jira.votes": True}, TICKET),
        ({"external.jira": "DEMO-1"}, TICKET),
        ({"external.trello.key": "DEMO-1"}, TICKET),
        ({"unknown": "x"}, TICKET),
        ({"project": "beta"}, RESPONSE),
        ({"score": {"below": 6.5}}, RESPONSE),
        ({"score": {"below": 7}}, RATING),
        ({"rating": {"at_most": 2}}, SESSION),
    ],
)
def test_leaves_what_does_not(conditions: dict[str, Any], document: dict[str, Any]) -> None:
    assert not matches(conditions, document)


def test_takes_from_the_event_what_the_document_does_not_have() -> None:
    assert matches({"project": "beta"}, {"id": 1}, {"project": "Beta"})
    assert not matches({"project": "beta"}, {"project": "gamma"}, {"project": "beta"})


SCALARS = some.none() | some.booleans() | some.integers() | some.floats() | some.text(max_size=5)
JSON = some.recursive(
    SCALARS, lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.text(max_size=5), inner)
)
BOUND = some.sampled_from(["below", "above", "at_most", "at_least"])
NUMBERS = some.integers(-99, 99) | some.floats(-99, 99)
WANTED = SCALARS | some.lists(SCALARS, min_size=1, max_size=3) | some.dictionaries(BOUND, NUMBERS)
NAMED = some.sampled_from([*NAMES, "values", "external", "external.a.b", "severity"]) | some.text(max_size=5)


CAPTURED = some.fixed_dictionaries({}, optional={"external": JSON, "values": JSON, "source": JSON})


@given(some.dictionaries(NAMED, WANTED), some.dictionaries(NAMED, JSON) | CAPTURED)
def test_never_breaks_on_a_document(conditions: dict[str, Any], document: dict[str, Any]) -> None:
    assert matches(conditions, document) in (True, False)


@given(some.dictionaries(NAMED, WANTED, max_size=4))
def test_holds_when_each_condition_holds(conditions: dict[str, Any]) -> None:
    assert matches(conditions, TICKET) == all(
        matches({name: one}, TICKET) for name, one in conditions.items()
    )


@given(
    some.sampled_from(["severity", "stars", "devices", "build"]), some.lists(SCALARS, min_size=1, max_size=4)
)
def test_takes_a_list_for_one_of_it(name: str, wanted: list[Any]) -> None:
    assert matches({name: wanted}, TICKET) == any(matches({name: one}, TICKET) for one in wanted)


@given(NUMBERS, NUMBERS)
def test_puts_every_number_on_one_side_of_a_bound(value: float, bound: float) -> None:
    document = {"values": {"n": value}}
    assert matches({"n": {"below": bound}}, document) != matches({"n": {"at_least": bound}}, document)
    assert matches({"n": {"above": bound}}, document) != matches({"n": {"at_most": bound}}, document)
