"""docs/hub-api.md names every call's query parameters."""

from __future__ import annotations

import re
from pathlib import Path

import httpx

PAGE = (Path(__file__).parents[2] / "docs" / "hub-api.md").read_text(encoding="utf-8")


def test_names_every_query_parameter(http: httpx.Client) -> None:
    named = set(re.findall(r"`([a-z_]+)=?`", PAGE))
    missing = [
        f"{path}: {parameter['name']}"
        for path, calls in http.get("/hub/v1/openapi.json").json()["paths"].items()
        for call in calls.values()
        for parameter in call.get("parameters", ())
        if parameter["in"] == "query" and parameter["name"] not in named
    ]
    assert missing == []
