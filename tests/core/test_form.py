"""Forms: reading values, finding every fault, writing values back."""

# ruff: noqa: E501 — a table of faults is read line by line

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from tellback.core import document, form, form_values
from tellback.core.form import Member, Reading, optional


@dataclass(frozen=True)
class Dish:
    name: str
    price: int = 3
    tags: tuple[str, ...] = ()
    secret: Any = form.KEPT
    at: str = form.location()


DISH = form.Object(
    "dish",
    {
        "name": Member(form_values.Text()),
        "price": optional(form_values.Whole(0, 99), 3),
        "tags": optional(form.ListOf(form_values.Text(), most=3), ()),
        "secret": Member(form_values.Secret(), form.KEPT),
    },
    Dish,
    lambda dish: [("price", "a soup is cheap")] if dish.name == "soup" and dish.price > 9 else [],
)
MENU = form.ListOf(DISH, key="name", fold=True)


def read(wanted: form.Form, text: str) -> tuple[Any, list[str]]:
    reading = Reading("f")
    value = wanted.read(document.read(text, "f"), "", reading)
    return value, [str(fault) for fault in reading.in_order()]


def value(wanted: form.Form, text: str) -> Any:
    found, faults = read(wanted, text)
    assert faults == []
    return found


def fault(wanted: form.Form, text: str) -> str:
    found, faults = read(form.Object("test", {"v": Member(wanted)}), f"v: {text}")
    assert found is form.INVALID
    assert len(faults) == 1
    return faults[0].removeprefix("f:1: v: ")


def test_builds_objects_that_know_their_path() -> None:
    menu = value(MENU, "- {name: soup, tags: [a, 1]}\n- {name: 0123, price: 9, secret: s}")
    assert menu == (Dish("soup", tags=("a", "1")), Dish("0123", 9, secret=form_values.Given("s")))
    assert [dish.at for dish in menu] == ["[0]", "[1]"]


def test_takes_nothing_for_an_absent_member() -> None:
    assert value(DISH, "name: a\nprice: ~\ntags:\nsecret: null") == Dish("a")


def test_leaves_out_what_has_a_fault_and_reads_on() -> None:
    menu, faults = read(MENU, "- {name: a, price: x}\n- {price: 4}\n- 7\n- {name: c, tags: [ok, [], ok]}")
    assert menu == (Dish("a"), Dish("c", tags=("ok", "ok")))
    assert faults == [
        "f:1: [0].price: a whole number from 0 to 99 is due here, not 'x'",
        "f:2: [1].name: is required",
        "f:3: [2]: a mapping (dish) is due here, not '7'",
        "f:4: [3].tags[1]: a text is due here, not a list",
    ]


def test_applies_the_rules_of_an_object_to_sound_members_only() -> None:
    assert read(DISH, "{name: soup, price: 10}")[1] == ["f:1: price: a soup is cheap"]
    assert read(DISH, "{name: soup, price: 100}")[1] == [
        "f:1: price: a whole number from 0 to 99 is due here, not '100'"
    ]


def test_tells_things_apart_by_their_key() -> None:
    assert read(MENU, "- {name: Soup}\n- {name: soup}")[1] == [
        "f:2: [1].name: 'soup' is here twice; the first is at line 1"
    ]


def test_names_the_members_there_are_when_none_is_meant() -> None:
    assert read(DISH, "{name: a, colour: red}")[1] == [
        "f:1: colour: unknown member; dish has name, price, tags, secret"
    ]


def test_says_how_two_objects_differ_and_never_a_secret() -> None:
    old, new = Dish("a", 3, ("x",)), Dish("a", 4, (), form.KEPT)
    assert [str(one) for one in form.differences(DISH, old, new)] == ["price: 3 -> 4", "tags: ['x'] -> []"]
    assert form.differences(DISH, old, Dish("a", 3, ("x",), form_values.Given("s")), ["secret"]) == ()


@given(
    name=some.text("abc", min_size=1, max_size=9),
    price=some.integers(0, 9),
    tags=some.lists(some.text("xyz0", min_size=1), max_size=3),
)
def test_writes_what_it_reads(name: str, price: int, tags: list[str]) -> None:
    dish = Dish(name, price, tuple(tags))
    reading = Reading("f")
    assert DISH.read(document.of_value(DISH.write(dish)), "", reading) == dish
    assert reading.faults == []


@pytest.mark.parametrize(
    ("wanted", "text", "expected"),
    [
        (form_values.Text(), "yes", "yes"),
        (form_values.Text(), "0123", "0123"),
        (form_values.Text(free=True), '" a "', " a "),
        (form_values.Email(), "Ann@Example.COM", "Ann@Example.COM"),
        (form_values.Whole(-5, 5), "-5", -5),
        (form_values.Number(), "0.5", 0.5),
        (form_values.Truth(), "off", False),
        (form_values.Duration(), "90m", 5400),
        (form_values.Moment(), "2027-12-31", date(2027, 12, 31)),
        (form_values.Moment(), "2027-12-31T18:00:00+01:00", datetime(2027, 12, 31, 17, tzinfo=UTC)),
        (form_values.Network(), "::1", "::1/128"),
        (form_values.Zone(), "Europe/Stockholm", "Europe/Stockholm"),
        (form_values.Json(), "{a: [1, 2.5, true, ~, on, 0123]}", {"a": [1, 2.5, True, None, "on", "0123"]}),
    ],
)  # fmt: skip
def test_reads(wanted: form.Form, text: str, expected: object) -> None:
    assert value(form.Object("test", {"v": Member(wanted)}), f"v: {text}") == {"v": expected}


@pytest.mark.parametrize(
    ("wanted", "text", "expected"),
    [
        (form_values.Text(), '""', "must not be empty"),
        (form_values.Text(), '" a"', "one line is due, without space around it"),
        (form_values.Text(), '"a\\nb"', "one line is due, without space around it"),
        (form_values.Text(most=3), "abcd", "4 characters; at most 3 are allowed"),
        (form_values.Email(), "a@b@c", "'a@b@c' is not an e-mail address"),
        (form_values.Whole(1, 5), "02", "a whole number from 1 to 5 is due here, not '02'"),
        (form_values.Whole(1, 5), '"2"', "a whole number from 1 to 5 is due here, not a text"),
        (form_values.Whole(1, 5), "9" * 5000, f"a whole number from 1 to 5 is due here, not '{'9' * 40}'"),
        (form_values.Number(), "1e400", "a number is due here, not '1e400'"),
        (form_values.Truth(), '"true"', "true or false is due here, not a text"),
        (form_values.Duration(), "0s", "a duration from 1s to 3660d is due here"),
        (form_values.Duration(), "5", "a duration (30s, 15m, 4h, 2d) is due here, not '5'"),
        (form_values.Moment(), "2027-02-30", "a day (2027-12-31) or a time with offset (2027-12-31T18:00:00+01:00) is due here, not '2027-02-30'"),
        (form_values.Moment(), "2027-12-31T18:00:00", "a day (2027-12-31) or a time with offset (2027-12-31T18:00:00+01:00) is due here, not '2027-12-31T18:00:00'"),
        (form_values.Secret(), '"two words"', "only visible ASCII without spaces may stand here"),
    ],
)  # fmt: skip
def test_refuses(wanted: form.Form, text: str, expected: str) -> None:
    assert fault(wanted, text) == expected


def test_never_shows_a_given_secret() -> None:
    assert "hush" not in repr(value(DISH, "{name: a, secret: hush}"))
    assert "secret" not in DISH.write(value(DISH, "{name: a, secret: hush}"))


@pytest.mark.parametrize(
    ("zone", "moment"),
    [
        ("UTC", "2028-01-01T00:00:00+00:00"),
        ("Europe/Stockholm", "2027-12-31T23:00:00+00:00"),
        ("Pacific/Kiritimati", "2027-12-31T10:00:00+00:00"),
    ],
)
def test_ends_a_day_at_midnight_of_the_zone(zone: str, moment: str) -> None:
    assert form_values.end_of_day(date(2027, 12, 31), zone).isoformat() == moment
