"""Fields of lookups and packages: of which type a captured value is."""

from __future__ import annotations

from typing import Any

from tellback.core.windows import fields as windows_fields
from tellback.core.windows.model import DataType, Field

MOMENT = "2026-01-01T00:00:00Z"


def external(label: str, **captured: DataType) -> Field:
    found = windows_fields.field(
        "feedback", f"external.g.{label}", {}, {f"g.{name}": type for name, type in captured.items()}
    )
    assert found is not None
    return found


def types(field: Field, *values: Any) -> tuple[DataType, list[DataType]]:
    """Of the column, and of each value in it."""
    documents = [{"external": {"g": {"v": value}} if value is not None else {}} for value in values]
    (column,), rows = windows_fields.shown([field], documents)
    return column.type, [cell.type for (cell,) in rows]


def test_gives_a_column_that_nothing_declares_the_type_its_values_have() -> None:
    assert types(external("v"), 7, None, 8) == ("integer", ["integer", "integer", "integer"])
    assert types(external("v"), True) == ("boolean", ["boolean"])
    assert types(external("v"), 7, "x") == ("string", ["integer", "string"])
    assert types(external("v"), None) == ("string", ["string"])


def test_takes_a_text_for_a_time_where_it_is_declared_as_one_alone() -> None:
    assert types(external("v"), MOMENT) == ("string", ["string"])
    assert types(external("v", v="string"), MOMENT) == ("string", ["string"])
    assert types(external("v", v="datetime"), MOMENT, None) == ("datetime", ["datetime", "datetime"])
    assert types(external("v", v="datetime"), "soon") == ("datetime", ["string"])
