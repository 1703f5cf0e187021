"""Values picked from answers."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from tellback.core.deliveries import paths
from tellback.core.deliveries.definitions import ReturnValue, ValueType

ANSWER = {
    "key": "DEMO-1",
    "id": 10_001,
    "fields": {"done": False, "votes": "12", "created": "2026-01-02T03:04:05+01:00", "a b": "spaced"},
    "issues": [{"key": "A-1", "open": True}, {"key": "B-2", "open": False}],
    "empty": [],
    "nothing": None,
}


def picked(parameter: str, type: ValueType = "string", answer: Any = ANSWER) -> Any:
    body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
    found = paths.pick([ReturnValue("g", "l", parameter, type)], body)
    assert (len(found.values), len(found.warnings)) in ((1, 0), (0, 1))
    return found.values[0].value if found.values else found.warnings[0]


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("$.key", "DEMO-1"),
        ("key", "DEMO-1"),
        ("$.issues[1].key", "B-2"),
        ("$.issues[-1].key", "B-2"),
        ("issues.1.key", "B-2"),
        ("$['fields']['a b']", "spaced"),
        ("fields.a b", "spaced"),
        ("$..key", "DEMO-1"),
        ("$.issues[*].key", "A-1"),
        ("$.issues[?@.open == false].key", "B-2"),
        ("$.issues[?match(@.key, 'B.[0-9]')].key", "B-2"),
        ("$.issues[?search(@.key, '-2')].key", "B-2"),
        ("$.issues[?length(@.key) == 3].key", "A-1"),
    ],
)
def test_finds_what_a_path_names(parameter: str, value: str) -> None:
    assert picked(parameter) == value


@pytest.mark.parametrize(
    ("type", "given", "value"),
    [
        ("boolean", True, True),
        ("boolean", "False", False),
        ("boolean", "true", True),
        ("integer", 7, 7),
        ("integer", -7.0, -7),
        ("integer", "+12", 12),
        ("integer", "9223372036854775807", 2**63 - 1),
        ("datetime", "2026-01-02T03:04:05+01:00", "2026-01-02T02:04:05Z"),
        ("datetime", "2026-01-02T03:04:05.250Z", "2026-01-02T03:04:05.250000Z"),
        ("datetime", "2026-01-02T03:04:05", "2026-01-02T03:04:05Z"),
        ("datetime", "2026-01-02", "2026-01-02T00:00:00Z"),
        ("string", "x", "x"),
        ("string", "", ""),
        ("string", 7, "7"),
        ("string", 7.5, "7.5"),
        ("string", True, "true"),
    ],
)
def test_converts_to_the_type_asked_for(type: ValueType, given: Any, value: Any) -> None:
    found = picked("v", type, {"v": given})
    assert (found, found.__class__) == (value, value.__class__)


@pytest.mark.parametrize(
    ("type", "given"),
    [
        ("boolean", 1),
        ("boolean", "yes"),
        ("boolean", ""),
        ("integer", True),
        ("integer", 7.5),
        ("integer", "7.0"),
        ("integer", "seven"),
        ("integer", "9223372036854775808"),
        ("integer", 2**70),
        ("integer", "٣"),
        ("datetime", 1_700_000_000),
        ("datetime", "yesterday"),
        ("datetime", "2026-13-01T00:00:00Z"),
        ("datetime", "0001-01-01T00:00:00+14:00"),
        ("string", "a\x00b"),
    ],
)
def test_says_what_is_not_convertible(type: ValueType, given: Any) -> None:
    assert picked("$.v", type, {"v": given}).startswith(f"g.l: $.v is no {type}: ")


@pytest.mark.parametrize(
    ("parameter", "answer", "warning"),
    [
        ("$.gone", ANSWER, "g.l: $.gone found nothing"),
        ("issues.2.key", ANSWER, "g.l: issues.2.key found nothing"),
        ("key.more", ANSWER, "g.l: key.more found nothing"),
        ("$.nothing", ANSWER, "g.l: $.nothing is null"),
        ("$.fields", ANSWER, "g.l: $.fields is an object, no string"),
        ("empty", ANSWER, "g.l: empty is a list, no string"),
        ("$.key", b"<html>", "g.l: the answer is no JSON"),
        ("$.key", b"", "g.l: the answer is no JSON"),
        ("$.key", b'"\xff"', "g.l: the answer is no JSON"),
        ("$.key", b'{"key": "\\ud800"}', "g.l: the answer is no JSON"),
        ("$.key", b"[" * 60_000, "g.l: the answer is nested too deeply"),
        ("$.key", b"[" * 70 + b"]" * 70, "g.l: the answer is nested too deeply"),
        ("$..x", [list(range(30_000))], "g.l: $..x found nothing"),
        ("$..[?@..* == 1]", {}, "g.l: $..[?@..* == 1] this is no JSONPath"),
        ("$..[?count($..*) > 99999]", [[n] for n in range(900)], "g.l: $..[?count($..*) > 99999] takes too long"),
    ],
)  # fmt: skip
def test_says_why_there_is_no_value(parameter: str, answer: Any, warning: str) -> None:
    assert picked(parameter, "string", answer).startswith(warning)


def test_picks_each_value_by_itself() -> None:
    found = paths.pick(
        [
            ReturnValue("jira", "issue_key", "$.key", "string"),
            ReturnValue("jira", "gone", "$.gone", "string"),
            ReturnValue("jira", "votes", "fields.votes", "integer"),
        ],
        json.dumps(ANSWER).encode(),
    )
    assert found.values == (
        paths.PickedValue("jira", "issue_key", "DEMO-1"),
        paths.PickedValue("jira", "votes", 12),
    )
    assert found.warnings == ("jira.gone: $.gone found nothing",)


def test_asks_nothing_of_an_answer_that_nobody_wants() -> None:
    assert paths.pick([], b"<html>") == paths.Picked(())


@pytest.mark.parametrize(
    ("parameter", "fault"),
    [
        ("$.key", None),
        ("issue.key", None),
        ("$.", "this is no JSONPath: "),
        ("$[?@.a", "this is no JSONPath: "),
        ("$[?nofunction(@)]", "this is no JSONPath: "),
        ("$[99999999999999999999]", "this is no JSONPath: "),
        ("$" + "[?(" * 150, "this is no JSONPath: "),
        ("a..b", "a name is missing in the path; a JSONPath begins with $"),
        ("", "a name is missing in the path; a JSONPath begins with $"),
        ("$" + ".a" * 256, "a path may have 512 characters"),
    ],
)
def test_says_what_is_wrong_with_a_path_before_there_is_an_answer(parameter: str, fault: str | None) -> None:
    found = paths.fault(parameter)
    assert found is None if fault is None else found is not None and found.startswith(fault)


JSON = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats(allow_nan=False) | some.text(),
    lambda inner: some.lists(inner) | some.dictionaries(some.text(max_size=3), inner),
)


@given(
    JSON,
    some.sampled_from(["$", "$.*", "$..*", "a", "0.a", "$[?@.a > 1]", "$..[0]"]) | some.text(max_size=8),
    some.sampled_from(["boolean", "integer", "datetime", "string"]),
)
def test_gives_a_value_of_the_type_or_a_warning_whatever_comes(
    answer: Any, parameter: str, type: ValueType
) -> None:
    found = paths.pick([ReturnValue("g", "l", parameter, type)], json.dumps(answer).encode())
    kinds = {"boolean": bool, "integer": int, "datetime": str, "string": str}
    assert all(value.value.__class__ is kinds[type] for value in found.values)
    assert len(found.values) + len(found.warnings) == 1
