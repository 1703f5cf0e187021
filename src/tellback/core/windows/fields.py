"""Fields of record lookups and data packages: what they may name, and how a record's document is read. No I/O."""

from __future__ import annotations

import csv
import dataclasses
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from tellback.core.imports.tables import safe
from tellback.core.windows.model import Cell, DataType, Field, Object, Table

Document = Mapping[str, Any]
_EXTERNAL: Final = "external."
_SEGMENT: Final = "segments."
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)")

#: By object: the type of each member, and where it stands where that is elsewhere than under its name.
_MEMBERS: Final[Mapping[Object, Mapping[str, tuple[DataType, tuple[str, ...] | None]]]] = {
    "feedback": {
        "id": ("integer", None),
        "display_id": ("string", None),
        "project": ("string", None),
        "type": ("string", None),
        "source": ("string", ("source", "key")),
        "source.channel": ("string", ("source", "channel")),
        "source.key": ("string", ("source", "key")),
        "status": ("string", None),
        "status_kind": ("string", None),
        "subject": ("string", None),
        "body": ("string", None),
        "submitter": ("string", ("submitter", "email")),
        "submitter.email": ("string", ("submitter", "email")),
        "submitter.name": ("string", ("submitter", "name")),
        "submitter.given": ("string", ("submitter", "given")),
        "assignee": ("string", None),
        "priority": ("string", None),
        "tags": ("list", None),
        "files": ("list", None),
        "sla.done_due": ("boolean", ("sla", "done_due")),
        "sla.expiry": ("integer", ("sla", "expiry")),
        "sla.handling_time": ("integer", ("sla", "handling_time")),
        "sla.response_time": ("integer", ("sla", "response_time")),
        "sla.within_sla": ("boolean", ("sla", "within_sla")),
        "created_at": ("datetime", None),
        "changed_at": ("datetime", None),
        "answered_at": ("datetime", None),
        "closed_at": ("datetime", None),
        "deleted": ("boolean", None),
    },
    "user": {
        "id": ("integer", None),
        "email": ("string", None),
        "phone": ("string", None),
        "name": ("string", None),
        "first_name": ("string", None),
        "last_name": ("string", None),
        "job_title": ("string", None),
        "language": ("string", None),
        "account": ("string", None),
        "created_at": ("datetime", None),
        "changed_at": ("datetime", None),
    },
    "project": {
        "id": ("integer", None),
        "key": ("string", None),
        "name": ("string", None),
        "feedback_types": ("list", None),
        "created_at": ("datetime", None),
    },
}
_ELEMENTS: Final[Mapping[str, DataType]] = {
    "text": "string",
    "single_choice": "string",
    "multiple_choice": "list",
    "rating_scale": "integer",
    "file": "list",
}


def members(object: Object) -> Iterable[str]:
    """The names that records of this kind have beside elements, segments and captured values."""
    return _MEMBERS[object]


def field(
    object: Object, name: str, elements: Mapping[str, str], captured: Mapping[str, DataType]
) -> Field | None:
    """The field of that name, None where there is none.

    `elements` are element keys with their types, `captured` the types of captured values that are known, by
    `<group>.<label>`. A member goes before an element of the same name.
    """
    known = _MEMBERS[object].get(name)
    if known is not None:
        return Field(name, known[0], known[1] or (name,))
    if name.startswith(_EXTERNAL) and object != "project":
        label = name.removeprefix(_EXTERNAL)
        parts = label.split(".")
        whole = len(parts) > 1 and all(parts)
        type = captured.get(label, "string")
        return Field(name, type, ("external", label), label in captured) if whole else None
    if object == "user" and name.startswith(_SEGMENT) and len(name) > len(_SEGMENT):
        return Field(name, "string", ("segments", name.removeprefix(_SEGMENT)))
    if object != "feedback":
        return None
    if name in elements:
        inside = "files" if elements[name] == "file" else "values"
        return Field(name, _ELEMENTS[elements[name]], (inside, name))
    return Field(name, "string", ("subject",)) if name == "title" else None


def shown(
    fields: Sequence[Field], documents: Sequence[Document]
) -> tuple[tuple[Field, ...], tuple[tuple[Cell, ...], ...]]:
    """Fields with the types that their values here have where nothing else says so, and the records' values."""
    typed = tuple(
        one if one.declared else dataclasses.replace(one, type=_shared_type(one, documents)) for one in fields
    )
    return typed, tuple(_row(typed, document) for document in documents)


def _shared_type(field: Field, documents: Sequence[Document]) -> DataType:
    values = (_value(field.path, document) for document in documents)
    types = {_type(value) for value in values if value is not None}
    return types.pop() if len(types) == 1 else "string"


def _row(fields: Sequence[Field], document: Document) -> tuple[Cell, ...]:
    return tuple(_cell(one, _value(one.path, document)) for one in fields)


def _value(path: tuple[str, ...], document: Document) -> Any:
    if path[0] == "files":
        return [one["name"] for one in document["files"] if len(path) == 1 or one["element"] == path[1]]
    if path[0] == "external":
        external = document.get("external") or {}
        return next(
            (
                value
                for group, values in external.items()
                for label, value in values.items()
                if f"{group}.{label}" == path[1]
            ),
            None,
        )
    value: Any = document
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _cell(of: Field, value: Any) -> Cell:
    if value is None:
        return Cell(of.type, "", ())
    values = tuple(value) if isinstance(value, list | tuple) else (value,)
    type = of.type
    if of.path[0] == "external" and not (
        type == "datetime" and isinstance(value, str) and _MOMENT.fullmatch(value)
    ):
        type = _type(value)
    return Cell(type, ", ".join(_text(one) for one in values), values)


def _type(value: Any) -> DataType:
    """What a captured value is by itself; a text is a time only where somebody said so."""
    if isinstance(value, bool):
        return "boolean"
    return "integer" if isinstance(value, int) else "string"


def _text(value: Any) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def as_csv(table: Table) -> str:
    """The rows under a row of names (RFC 4180), fit to be opened in a spreadsheet."""
    file = io.StringIO(newline="")
    written = csv.writer(file)
    written.writerow([safe(one.name) for one in table.fields])
    written.writerows([safe(cell.text) for cell in cells] for cells in table.rows)
    return file.getvalue()
