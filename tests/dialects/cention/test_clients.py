"""A JSON:API client that nobody here wrote, `jsonapi-client` from PyPI, reads everything this surface has."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from tests.support.desk import C, Desk

from tellback.core import tickets

client: Any = pytest.importorskip(
    "jsonapi_client", reason="the JSON:API client of the dev group is not installed"
)


@pytest.fixture
def session(desk: Desk) -> Iterator[Any]:
    """It keeps what it has read, so each test has one of its own."""
    headers = {"Authorization": desk.headers()["Authorization"]}
    with client.Session(f"{desk.hub.url}{C}", request_kwargs={"headers": headers}) as session:
        yield session


def test_reads_the_dirty_list_and_every_report_on_it(desk: Desk, session: Any) -> None:
    errands = [desk.file("One"), desk.file("Two")]
    desk.act(errands[1], tickets.AddTag("seen"), tickets.Answer("Re: Two", "Done"))
    listed = session.get("c3_dirty_errand_list").resource
    assert (listed.type, listed.id) == ("c3_dirty_errand_list", "0")
    assert set(errands) <= set(listed.errands)
    one, two = (session.get("c3_errand_reports", errand).resource for errand in errands)
    assert (one.id, one["c3_id"], one.basic.data.subject) == (str(errands[0]), errands[0], "One")
    assert [action["id"] for action in two.actions] == sorted(action["id"] for action in two.actions)
    assert [tag["desc"] for tag in two.extended["errand_tags"]] == ["seen"]
    assert two.extended["answer_body"] == "Done"
    assert not set(errands) & set(desk.dirty())


def test_asks_for_some_fields(desk: Desk, session: Any) -> None:
    errand = desk.file()
    fields = client.Modifier("fields[c3_errand_reports]=changed,c3_id")
    found = session.get(f"c3_errand_reports/{errand}", fields).resource
    assert found.json["attributes"] == {"changed": True, "c3_id": errand}


def test_reads_ratings(desk: Desk, session: Any) -> None:
    desk.rate("add", 440_001, 1_600_000_000, rating=4, review_text="Fine", reviewer_name="Jessica")
    listed = session.get("c3_dirty_facebook_ratings").resources
    assert {one.type for one in listed} == {"c3_dirty_facebook_ratings"}
    rating = session.get("c3_facebook_ratings", listed[-1].id).resource
    assert (rating.data.rating, rating.data.message, rating.data.reviewerName) == (4, "Fine", "Jessica")


def test_understands_refusals(desk: Desk, session: Any) -> None:
    with pytest.raises(client.exceptions.DocumentError, match="404"):
        session.get("c3_errand_reports", 99_999_999)
