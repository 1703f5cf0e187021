"""The JSON parsing corpus through the create endpoint (contract: common.md, "Input")."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from tests.support.hub import CREATE, KEY

CORPUS = Path(__file__).parents[4] / "shared" / "corpora" / "json-parsing"
FILES = sorted(CORPUS.glob("*.json"))
# They hold U+0000, which no endpoint takes.
REFUSED = {"y_string_null_escape.json", "y_object_escaped_null_in_key.json"}

pytestmark = pytest.mark.skipif(not FILES, reason="the corpus ../shared/corpora/json-parsing is not there")


def post(http: httpx.Client, body: bytes) -> httpx.Response:
    headers = {"Content-Type": "application/json"}
    return http.post(CREATE, params={"apiKey": KEY}, content=body, headers=headers)


def test_holds_what_the_contract_counts_on() -> None:
    kinds = {kind: sum(file.name.startswith(kind) for file in FILES) for kind in ("y_", "n_", "i_")}
    assert min(kinds.values()) > 30
    assert {file.name for file in FILES} >= REFUSED


def test_takes_what_must_parse_as_the_value_of_a_parameter(http: httpx.Client) -> None:
    wrong = {}
    for file in FILES:
        if file.name.startswith("y_"):
            answer = post(http, b'{"title": "x", "unknown": ' + file.read_bytes() + b"}")
            if answer.status_code != (400 if file.name in REFUSED else 201):
                wrong[file.name] = answer.text
    assert wrong == {}


@pytest.mark.parametrize("frame", [(b"", b""), (b'{"title": "x", "unknown": ', b"}")], ids=["bare", "value"])
def test_refuses_what_must_not_parse(http: httpx.Client, frame: tuple[bytes, bytes]) -> None:
    wrong = {}
    for file in FILES:
        if file.name.startswith("n_"):
            answer = post(http, frame[0] + file.read_bytes() + frame[1])
            if answer.status_code != 400 or answer.json()["status"] != 400:
                wrong[file.name] = answer.text
    assert wrong == {}


def test_never_fails_on_what_may_parse_or_not(http: httpx.Client) -> None:
    wrong = {}
    for file in FILES:
        if file.name.startswith("i_"):
            for body in (file.read_bytes(), b'{"title": "x", "unknown": ' + file.read_bytes() + b"}"):
                answer = post(http, body)
                if answer.status_code not in (201, 400):
                    wrong[file.name] = answer.text
    assert wrong == {}
