"""Ratings of public pages as JSON:API: what puts one on the dirty list, and what takes it off."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from tests.support.desk import Desk

STORIES = itertools.count(500_000)


@pytest.fixture
def story() -> int:
    return next(STORIES)


def listed(desk: Desk) -> list[int]:
    return [int(one["id"]) for one in desk.get("c3_dirty_facebook_ratings")["data"]]


def newest(desk: Desk) -> int:
    return max(listed(desk))


def data(desk: Desk, id: int) -> dict[str, Any]:
    found: dict[str, Any] = desk.get(f"c3_facebook_ratings/{id}")["data"]["attributes"]["data"]
    return found


def test_lists_a_rating_until_it_is_read_and_again_when_it_changes(desk: Desk, story: int) -> None:
    desk.rate("add", story, 1_600_000_000, rating=4, review_text="Fine")
    id = newest(desk)
    assert data(desk, id)["isChanged"] is True
    assert id not in listed(desk)
    assert data(desk, id)["isChanged"] is False
    desk.rate("edit", story, 1_600_000_100, rating=2, review_text="Not so fine")
    assert id in listed(desk)
    found = data(desk, id)
    assert (found["isChanged"], found["rating"], found["message"]) == (True, 2, "Not so fine")
    assert listed(desk) == sorted(listed(desk))


def test_has_no_rating_that_was_removed(desk: Desk, story: int) -> None:
    desk.rate("add", story, 1_600_000_000, rating=4)
    id = newest(desk)
    desk.rate("remove", story, 1_600_000_100)
    assert id not in listed(desk)
    desk.get(f"c3_facebook_ratings/{id}", 404)


def test_does_not_clear_by_head(desk: Desk, story: int) -> None:
    desk.rate("add", story, 1_600_000_000, rating=4)
    id = newest(desk)
    desk.call("HEAD", f"c3_facebook_ratings/{id}")
    assert id in listed(desk)


def test_gives_the_fields_that_are_asked_for(desk: Desk, story: int) -> None:
    desk.rate("add", story, 1_600_000_000, rating=4)
    id = newest(desk)
    path = f"c3_facebook_ratings/{id}?fields[c3_facebook_ratings]"
    assert desk.get(f"{path}=c3_id")["data"]["attributes"] == {"c3_id": id}
    assert "attributes" not in desk.get(f"{path}=")["data"]
    desk.get(f"{path}=rating", 400)
    desk.get("c3_dirty_facebook_ratings?fields[c3_dirty_facebook_ratings]=data", 400)
    desk.get("c3_dirty_facebook_ratings?fields[c3_dirty_facebook_ratings]=")


@pytest.mark.parametrize("id", ["0", "x", "99999999", "9223372036854775808", "9" * 30])
def test_has_no_rating_of_another_id(desk: Desk, id: str) -> None:
    desk.get(f"c3_facebook_ratings/{id}", 404)


def test_shows_a_rating_of_another_workspace_to_nobody(desk: Desk, story: int) -> None:
    desk.rate("add", story, 1_600_000_000, rating=4)
    id, headers = newest(desk), desk.headers("bi-other")
    assert desk.http.get(f"/s/other/capi/json/c3_facebook_ratings/{id}", headers=headers).status_code == 404
    answer = desk.http.get("/s/other/capi/json/c3_dirty_facebook_ratings", headers=headers)
    assert answer.json()["data"] == []


def test_keeps_an_id_that_is_no_number_as_it_is(desk: Desk, story: int) -> None:
    desk.rate("add", story, 1_600_000_000, rating=4, reviewer_id="psid-7")
    assert data(desk, newest(desk))["reviewerId"] == "psid-7"
