"""Reading JSON strictly: the corpus, and what PostgreSQL cannot hold."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest

from tellback.core import errors
from tellback.kit import strict_json

CORPUS = Path(__file__).parents[3] / "shared" / "corpora" / "json-parsing"
CASES = sorted(CORPUS.glob("*.json"))
# Both hold U+0000, which no text column can.
REFUSED = {"y_string_null_escape.json", "y_object_escaped_null_in_key.json"}


@pytest.mark.skipif(not CASES, reason="the JSON corpus is not beside this checkout")
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_reads_the_corpus_as_told(case: Path) -> None:
    body = case.read_bytes()
    if case.name[0] == "n" or case.name in REFUSED:
        with pytest.raises(errors.Malformed):
            strict_json.loads(body)
    elif case.name[0] == "y":
        strict_json.loads(body)
    else:
        with contextlib.suppress(errors.Malformed):
            strict_json.loads(body)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "empty"),
        (b"  ", "empty"),
        (b"\xef\xbb\xbf{}", "byte order mark"),
        (b'{"a": NaN}', "not valid JSON"),
        (b'{"a": 1,}', "not valid JSON"),
        (b'{"a": 1} x', "not valid JSON"),
        (b'{"a": "\\ud800"}', "not valid JSON"),
        (b'{"a": "\xff"}', "UTF-8"),
        (b'{"a": "x\\u0000"}', r"U\+0000"),
        (b'{"a\\u0000": 1}', r"U\+0000"),
        (b'{"a": ["x\\u0000"]}', r"U\+0000"),
        (b"[" * 65 + b"]" * 65, "nested deeper"),
        (b'{"a":' * 65 + b"1" + b"}" * 65, "nested deeper"),
        (b"[" * 100_000, "nested deeper"),
        (b"1" * 5000, "not valid JSON"),
    ],
)
def test_says_what_is_wrong(body: bytes, says: str) -> None:
    with pytest.raises(errors.Malformed, match=says):
        strict_json.loads(body)


def test_takes_an_escaped_backslash_before_u0000_for_text() -> None:
    assert strict_json.loads(b'"\\\\u0000"') == "\\u0000"


def test_nests_64_deep_and_counts_breadth_for_nothing() -> None:
    assert strict_json.loads(b"[" * 64 + b"]" * 64)
    assert len(strict_json.loads(b"[" + b"[]," * 1000 + b"[]]")) == 1001


def test_lets_the_last_of_two_members_count() -> None:
    assert strict_json.loads(b'{"a": 1, "a": 2}') == {"a": 2}
