"""Reading files into nodes: YAML as people write it, and JSON."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from tellback.core import document, errors
from tellback.core.document import Entries, Items, Node, Scalar
from tellback.core.form import Reading
from tellback.core.form_values import Json


def plain(node: Node) -> Any:
    """The texts of a document, without lines."""
    match node:
        case Scalar():
            return node.text
        case Items():
            return [plain(item) for item in node.items]
        case Entries():
            return {entry.name: plain(entry.value) for entry in node.entries}


def refusal(text: str | bytes) -> str:
    with pytest.raises(errors.Invalid) as refused:
        document.read(text, "f.yaml")
    return str(refused.value.faults[0])


def test_keeps_every_plain_value_as_its_text() -> None:
    text = "on: yes\noff: 0123\n5: 1_000\ndate: 2027-12-31\ntime: 1:30\nempty:\n"
    assert plain(document.read(text, "f.yaml")) == {
        "on": "yes",
        "off": "0123",
        "5": "1_000",
        "date": "2027-12-31",
        "time": "1:30",
        "empty": "",
    }


def test_knows_the_line_of_names_and_values() -> None:
    root = document.read("a: 1\nb:\n  - x\n  - y: 2\n", "f.yaml")
    assert isinstance(root, Entries)
    assert [entry.line for entry in root.entries] == [1, 2]
    items = root.entries[1].value
    assert isinstance(items, Items)
    assert [item.line for item in items.items] == [3, 4]


def test_brings_in_the_members_of_merged_mappings() -> None:
    text = "base: &base {a: 1, b: 2}\none: {<<: *base, b: 3}\ntwo: {<<: [*base, {c: 4}]}\n"
    read = plain(document.read(text, "f.yaml"))
    assert read["one"] == {"b": "3", "a": "1"}
    assert read["two"] == {"a": "1", "b": "2", "c": "4"}


def test_tells_repeated_names_apart() -> None:
    root = document.read("a: 1\na: 2\n", "f.yaml")
    assert isinstance(root, Entries)
    assert [(entry.name, entry.line) for entry in root.repeated] == [("a", 2)]


@pytest.mark.parametrize("text", ["[&a [*a]]", "a: &a {b: *a}"])
def test_refuses_an_alias_inside_its_own_anchor(text: str) -> None:
    assert refusal(text) == "f.yaml:1: no anchor 'a' before this alias"


def test_refuses_depth_that_aliases_add_up_to() -> None:
    deep = f"a: &a {'[' * 40}{']' * 40}\nb: {'[' * 40}*a{']' * 40}\n"
    assert refusal(deep) == "f.yaml:1: nested deeper than 64 levels"


@pytest.mark.parametrize("text", ['a: "\\0"', b"a: \x00"])
def test_refuses_a_text_that_no_database_holds(text: str | bytes) -> None:
    assert refusal(text).startswith("f.yaml:1: ")


def test_reads_a_file_that_begins_with_a_byte_order_mark() -> None:
    assert plain(document.read(b"\xef\xbb\xbfa: 1\r\nb: 2\r\n", "f.yaml")) == {"a": "1", "b": "2"}


def test_reads_json_with_tabs_and_surrogate_pairs_and_keeps_its_lines() -> None:
    root = document.read('{\n\t"a": "\\ud83d\\ude00\\\\ud83d",\n\t"b": [true]\n}', "f.json")
    assert isinstance(root, Entries)
    assert [(entry.name, entry.line) for entry in root.entries] == [("a", 2), ("b", 3)]
    assert plain(root)["a"] == "\U0001f600\\ud83d"


JSON = some.recursive(
    some.none()
    | some.booleans()
    | some.integers(-(10**15), 10**15)
    | some.text(some.characters(codec="utf-8", exclude_characters="\0"), max_size=20),
    lambda inner: (
        some.lists(inner, max_size=4)
        | some.dictionaries(
            some.text(some.characters(codec="utf-8", exclude_characters="\0"), max_size=8), inner, max_size=4
        )
    ),
    max_leaves=12,
)


@given(
    value=some.dictionaries(some.text("abcdef", min_size=1), JSON), indent=some.sampled_from([None, 2, "\t"])
)
def test_reads_any_json_as_the_json_it_is(value: dict[str, Any], indent: int | str | None) -> None:
    for ascii in (True, False):
        text = json.dumps(value, indent=indent, ensure_ascii=ascii)
        assert Json().read(document.read(text, "f.json"), "", Reading("f.json")) == value


@given(value=JSON)
def test_takes_a_parsed_value_as_it_takes_its_text(value: Any) -> None:
    assert Json().read(document.of_value(value), "", Reading("api")) == value


@given(noise=some.binary(max_size=200) | some.text("[]{}:,-&*!?|>'\"%@`#\n \tab01<", max_size=60))
def test_answers_noise_with_a_document_or_a_fault_and_nothing_else(noise: bytes | str) -> None:
    with contextlib.suppress(errors.Invalid):
        assert isinstance(document.read(noise, "f.yaml"), Scalar | Items | Entries)
