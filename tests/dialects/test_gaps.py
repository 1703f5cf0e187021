"""The published gaps: whole, and every decision held by a test that is there."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest
import yaml

REPOSITORY = Path(__file__).parents[2]
GAPS = sorted((REPOSITORY / "docs" / "dialects").glob("*.gaps.yaml"))
MEMBERS = {
    "missing": {"feature", "meanwhile"},
    "differs": {"vendor", "ours"},
    "decided": {"question", "answer", "tests"},
}


def read(path: Path) -> dict[str, list[dict[str, Any]]]:
    gaps: dict[str, list[dict[str, Any]]] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return gaps


def test_finds_the_gaps() -> None:
    assert GAPS


@pytest.mark.parametrize("path", GAPS, ids=lambda path: path.name)
def test_says_everything_of_each_gap(path: Path) -> None:
    gaps = read(path)
    assert list(gaps) == list(MEMBERS)
    for kind, entries in gaps.items():
        for entry in entries:
            assert MEMBERS[kind] <= set(entry) <= MEMBERS[kind] | {"tests"}, entry


@pytest.mark.parametrize("path", GAPS, ids=lambda path: path.name)
def test_names_tests_that_are_there(path: Path) -> None:
    named = [test for entries in read(path).values() for entry in entries for test in entry.get("tests", ())]
    assert [test for test in named if not is_there(test)] == []


def is_there(test: str) -> bool:
    file, _, name = test.partition("::")
    if not (REPOSITORY / file).is_file():
        return False
    tree = ast.parse((REPOSITORY / file).read_text(encoding="utf-8"))
    functions = (node for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return name in {function.name for function in functions}
