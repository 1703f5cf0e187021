"""The OpenAPI description, and that the hub keeps to it whatever is sent."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import load_all_checks, not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from tests.support import hub as hubs

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


@pytest.fixture(scope="module")
def description(http: httpx.Client) -> dict[str, Any]:
    document: dict[str, Any] = http.get("/hub/v1/openapi.json").json()
    return document


def test_describes_every_call_and_its_refusals(description: dict[str, Any]) -> None:
    assert description["openapi"].startswith("3.1")
    assert {"/hub/v1/tickets", "/hub/v1/tickets/{ticket}", "/hub/v1/intake"} <= description["paths"].keys()
    for path, calls in description["paths"].items():
        for call in calls.values():
            assert {"400", "401", "403", "429", "503"} <= call["responses"].keys(), path
            assert any(status.startswith("2") for status in call["responses"]), path
            assert "application/problem+json" in call["responses"]["401"]["content"], path


def _choices(part: Any) -> Iterator[list[dict[str, Any]]]:
    """Every `oneOf` in a part of the description."""
    if isinstance(part, dict):
        if isinstance(part.get("oneOf"), list):
            yield part["oneOf"]
        for inner in part.values():
            yield from _choices(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from _choices(inner)


def test_lets_no_whole_number_fit_two_shapes_where_one_is_due(description: dict[str, Any]) -> None:
    choices = list(_choices(description))
    assert choices
    for shapes in choices:
        assert not {"integer", "number"} <= {shape.get("type") for shape in shapes}, shapes


def test_keeps_to_its_description(hub: hubs.Hub, description: dict[str, Any]) -> None:
    load_all_checks()
    schema = schemathesis.openapi.from_dict(description)
    for result in schema.get_all_operations():
        operation = result.ok()

        @settings(
            max_examples=25,
            deadline=None,
            database=None,
            derandomize=True,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy())
        def holds(case: Any) -> None:
            case.call_and_validate(base_url=hub.url, headers=hub.reader(), checks=CHECKS)

        holds()
