"""The checker of JSON:API answers finds what it is there to find."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from tests.support import jsonapi

GOOD: dict[str, Any] = {
    "jsonapi": {"version": "1.1"},
    "data": {"type": "people", "id": "1", "attributes": {"a": 1}},
}
ERROR: dict[str, Any] = {"errors": [{"status": "400", "title": "Bad Request"}]}


def answered(
    document: Any,
    status: int = 200,
    *,
    sent: str = "",
    query: str = "",
    content_type: str = jsonapi.MEDIA_TYPE,
    **headers: str,
) -> httpx.Response:
    request = httpx.Request("POST" if sent else "GET", f"http://hub/people{query}", content=sent)
    told = {"content-type": content_type, "vary": "Accept"} | headers
    return httpx.Response(status, json=document, headers=told, request=request)


@pytest.mark.parametrize(
    "answer",
    [
        answered(GOOD),
        answered({"data": []}),
        answered({"data": None}),
        answered(ERROR, 400),
        answered(GOOD, query="?fields[people]=a,b"),
        answered(GOOD, 201, sent="{}", location="/people/1"),
        answered({"errors": [{"source": {"pointer": "/a/0"}}]}, 422, sent='{"a": [1]}'),
        answered({"errors": [{"source": {"parameter": "sort"}}]}, 400, query="?sort=x"),
    ],
)
def test_lets_pass_what_keeps_to_the_format(answer: httpx.Response) -> None:
    jsonapi.check(answer)


@pytest.mark.parametrize(
    ("answer", "rule"),
    [
        (answered(GOOD, content_type="application/json"), "sends_the_media_type"),
        (answered(GOOD, content_type=f"{jsonapi.MEDIA_TYPE}; charset=utf-8"), "sends_the_media_type"),
        (answered(GOOD, vary="Origin"), "varies_by_accept"),
        (answered([]), "has_an_object_on_top"),
        (answered({"jsonapi": {}}), "has_an_object_on_top"),
        (answered({"data": None, "errors": []}), "has_an_object_on_top"),
        (answered({"data": None, "more": 1}), "has_an_object_on_top"),
        (answered({"meta": {}, "included": []}), "has_an_object_on_top"),
        (answered({"data": None, "jsonapi": {"version": 1.1}}), "describes_itself"),
        (answered(GOOD, 404), "has_errors_where_it_fails"),
        (answered(ERROR), "has_errors_where_it_fails"),
        (answered({"errors": []}, 400), "has_proper_errors"),
        (answered({"errors": [{"message": "no"}]}, 400), "has_proper_errors"),
        (answered({"errors": [{"status": 400}]}, 400), "has_proper_errors"),
        (answered({"errors": [{"status": "404"}]}, 400), "has_proper_errors"),
        (
            answered({"errors": [{"source": {"pointer": "/b"}}]}, 422, sent='{"a": 1}'),
            "points_to_what_is_there",
        ),
        (
            answered({"errors": [{"source": {"pointer": "a"}}]}, 422, sent='{"a": 1}'),
            "points_to_what_is_there",
        ),
        (
            answered({"errors": [{"source": {"parameter": "x"}}]}, 400, query="?y=1"),
            "points_to_what_is_there",
        ),
        (answered({"errors": [{"source": {"where": "x"}}]}, 400), "points_to_what_is_there"),
        (answered({"data": {"type": "people", "id": 1}}), "has_proper_resources"),
        (answered({"data": {"id": "1"}}), "has_proper_resources"),
        (answered({"data": {"type": "people", "id": "1", "a": 1}}), "has_proper_resources"),
        (answered({"data": {"type": "-people", "id": "1"}}), "has_proper_resources"),
        (answered({"data": {"type": "people", "id": "1", "attributes": []}}), "has_proper_attributes"),
        (answered({"data": {"type": "people", "id": "1", "attributes": {"id": 1}}}), "has_proper_attributes"),
        (
            answered({"data": {"type": "people", "id": "1", "attributes": {"a.b": 1}}}),
            "has_proper_attributes",
        ),
        (answered({"data": [{"type": "people", "id": "1"}] * 2}), "gives_each_resource_once"),
        (answered(GOOD, query="?fields[people]=b"), "gives_no_more_than_is_asked_for"),
        (answered(GOOD, query="?fields%5Bpeople%5D="), "gives_no_more_than_is_asked_for"),
        (answered(GOOD, 201, sent="{}"), "says_where_what_was_made_is"),
        (answered(GOOD, 201, sent="{}", location="/people/2"), "says_where_what_was_made_is"),
    ],
)
def test_finds_what_does_not(answer: httpx.Response, rule: str) -> None:
    with pytest.raises(AssertionError, match=rule):
        jsonapi.check(answer)
