"""From a posted object to a ticket's values."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tellback.core.people import Participant
from tellback.core.projects import Element, FeedbackType, Project, Source, Status, map_parameters
from tellback.core.projects.mapping import number_text

BO = Participant(1, "Bo@Example.com", "Bo Default")
ANN = Participant(2, "ann@example.com", "Ann Tester")
NEW, FIXED = Status("New", "open"), Status("Fixed", "answered")


def element(key: str, kind: Any, **more: Any) -> Element:
    options = more.pop("options", ())
    choices = {"P1": "High"} if "High" in options else {}
    choices |= {option: option for option in options}
    described = {"required": False, "role": None, "lowest": 0, "highest": 0} | more
    return Element(key=key, label=key, type=kind, options=tuple(options), choices=choices, **described)


TITLE = element("title", "text", required=True, role="subject")
FIELDS = (
    (TITLE, "title"),
    (element("steps", "text", role="body"), "description"),
    (element("severity", "single_choice", options=("Low", "High")), "severity"),
    (element("devices", "multiple_choice", options=("Phone", "Tablet")), "devices"),
    (element("stars", "rating_scale", lowest=1, highest=5), "rating"),
    (element("log", "file", required=True), "crashlog"),
)


def source(**changes: Any) -> Source:
    bugs = FeedbackType(1, "bugs", "Bug", "BUG", 4, (NEW, FIXED), tuple(e for e, _ in FIELDS))
    described: dict[str, Any] = {
        "id": 1, "project_id": 1, "key": "app", "name": "Mobile app", "type": bugs, "credential_id": 1,
        "status": NEW, "status_parameter": "status", "default_submitter": BO, "submitter_parameter": "submitter",
        "fields": FIELDS, "refuse_unmapped": False, "run_automation": True, "run_workflow": True,
    }  # fmt: skip
    return Source(**(described | changes))


PROJECT = Project(1, 1, "beta", "Beta", {"bo@example.com": BO, "ann@example.com": ANN}, ())


def mapped(parameters: dict[str, Any], **changes: Any) -> Any:
    return map_parameters(source(**changes), PROJECT, {"title": "Boom"} | parameters)


def faults(parameters: dict[str, Any], **changes: Any) -> list[str]:
    return [fault.where for fault in mapped(parameters, **changes).faults]


def test_maps_each_kind_of_element() -> None:
    read = mapped({"description": "steps", "severity": "P1", "devices": ["Tablet", "Phone"], "rating": "4"})
    assert read.faults == ()
    assert read.values == {
        "title": "Boom", "steps": "steps", "severity": "High", "devices": ["Tablet", "Phone"], "stars": 4,
    }  # fmt: skip
    assert read.subject == "Boom"
    assert read.status == NEW


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (42, "42"),
        (4.10, "4.1"),
        (3.0, "3"),
        (-0.5, "-0.5"),
        (1e300, "1e300"),
        (True, "true"),
        (False, "false"),
    ],
)
def test_writes_numbers_and_booleans_as_text(sent: object, kept: str) -> None:
    assert mapped({"description": sent}).values["steps"] == kept


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_writes_a_number_so_that_it_reads_back_as_the_same(number: float) -> None:
    assert float(number_text(number)) == number
    assert len(number_text(number)) <= len(repr(number))


@pytest.mark.parametrize("empty", [None, "", []])
def test_leaves_an_element_empty(empty: object) -> None:
    read = mapped(
        {"description": empty, "severity": empty, "devices": empty, "rating": empty, "crashlog": empty}
    )
    assert read.faults == ()
    assert read.values == {"title": "Boom"}
    assert mapped({"title": empty}).faults[0].where == "title"


@pytest.mark.parametrize(
    ("parameter", "wrong"),
    [
        ("description", ["a"]), ("description", {"a": 1}),
        ("severity", "low"), ("severity", " Low"), ("severity", 1), ("severity", ["Low"]), ("severity", True),
        ("devices", "Laptop"), ("devices", ["Phone", "Phone"]), ("devices", ["Phone", None]), ("devices", {"a": 1}),
        ("rating", 0), ("rating", 6), ("rating", 3.5), ("rating", "3.0"), ("rating", " 3"), ("rating", True),
        ("rating", "9" * 30), ("rating", [1]), ("crashlog", "a.log"),
    ],
)  # fmt: skip
def test_refuses_a_value_that_does_not_fit(parameter: str, wrong: object) -> None:
    read = mapped({parameter: wrong})
    assert [fault.where for fault in read.faults] == [parameter]
    assert parameter in read.faults[0].message


def test_names_type_and_options_of_a_wrong_choice() -> None:
    read = mapped({"severity": "low", "devices": 7})
    assert "a string" in read.faults[0].message
    assert "'Low', 'High'" in read.faults[0].message
    assert "a number" in read.faults[1].message
    assert [value.parameter for value in read.unmatched] == ["severity", "devices"]


def test_names_the_list_and_every_value_in_it_that_is_no_option() -> None:
    one = mapped({"devices": ["Phone", "Laptop"]})
    assert "a list with a string that matches no option (Laptop)" in one.faults[0].message
    assert "'Phone', 'Tablet'" in one.faults[0].message
    several = mapped({"devices": ["Laptop", "Phone", 7]})
    assert "a list with values that match no option (Laptop, 7)" in several.faults[0].message
    assert [(value.parameter, value.value) for value in several.unmatched] == [
        ("devices", "Laptop"), ("devices", "7"),
    ]  # fmt: skip
    assert len(mapped({"devices": ["x"] * 100_000}).unmatched) == 20


def test_names_the_options_to_who_names_one_twice() -> None:
    assert "'Phone', 'Tablet'" in mapped({"devices": ["Phone", "Phone"]}).faults[0].message


def test_notes_a_status_that_is_none_of_the_types() -> None:
    (noted,) = mapped({"status": "fixed"}, status=None).unmatched
    assert (noted.parameter, noted.value, noted.options) == ("status", "fixed", ("New", "Fixed"))


def test_takes_a_whole_float_and_a_lone_choice() -> None:
    assert mapped({"rating": 3.0, "devices": "Phone"}).values == {
        "title": "Boom",
        "stars": 3,
        "devices": ["Phone"],
    }


def test_finds_every_fault_at_once_in_the_order_of_the_mapping() -> None:
    assert faults({"title": "", "severity": 1, "rating": 9, "x": 1}, refuse_unmapped=True) == [
        "title", "severity", "rating", "x",
    ]  # fmt: skip


def test_limits_texts_by_characters() -> None:
    assert faults({"title": "ü" * 255, "description": "ü" * 65_535}) == []
    assert faults({"title": "x" * 256, "description": "x" * 65_536}) == ["title", "description"]


def test_notes_what_is_not_mapped_and_what_did_not_arrive() -> None:
    read = mapped({"foo": 1, "status": "x", "submitter": "y"})
    assert read.unmapped == ("foo",)
    assert read.missing == ("description", "severity", "devices", "rating")


def test_requires_a_status_where_the_source_has_none() -> None:
    assert faults({}, status=None) == ["status"]
    assert faults({"status": "fixed"}, status=None) == ["status"]
    assert faults({"status": ["New"]}, status=None) == ["status"]
    assert mapped({"status": "Fixed"}, status=None).status == FIXED
    assert mapped({"status": "Nonsense"}).status == NEW
    assert "state" in mapped({}, status=None, status_parameter="state").missing


def test_matches_the_submitter_by_trimmed_address_without_regard_to_case() -> None:
    read = mapped({"submitter": "  ANN@example.COM "})
    assert (read.submitter, read.given) == (ANN, None)


def test_falls_back_to_the_default_submitter_and_keeps_the_address_as_sent() -> None:
    read = mapped({"submitter": " Stranger@example.org"})
    assert (read.submitter, read.given) == (BO, " Stranger@example.org")
    assert mapped({}).submitter == BO
    assert mapped({}).given is None


def test_requires_a_participant_where_there_is_no_default() -> None:
    assert faults({}, default_submitter=None) == ["submitter"]
    assert faults({"submitter": "stranger@example.org"}, default_submitter=None) == ["submitter"]
    assert mapped({"submitter": "bo@example.com"}, default_submitter=None).submitter == BO


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(
    st.dictionaries(
        st.sampled_from(["title", "description", "severity", "devices", "rating", "submitter"]), JSON
    )
)
def test_never_raises(parameters: dict[str, Any]) -> None:
    read = map_parameters(source(), PROJECT, parameters)
    assert set(read.values) <= {"title", "steps", "severity", "devices", "stars"}
