"""Windows: where an outside system may write to and read from, and what is seen through them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from tellback.core.automation.model import Action
from tellback.core.conditions import Conditions
from tellback.core.deliveries.model import Captured

Kind = Literal["listener", "record_lookup", "data_package"]
Object = Literal["feedback", "user", "project"]
DataType = Literal["boolean", "datetime", "integer", "string", "list"]


@dataclass(frozen=True, slots=True)
class Listener:
    """What an outside system may do to a ticket or a person."""

    key: str
    object: Object
    kind: Literal["macro", "comment", "data"]
    filter: Conditions = field(default_factory=dict)
    do: tuple[Action, ...] = ()
    group: str | None = None


@dataclass(frozen=True, slots=True)
class RecordLookup:
    """One record, with the fields chosen here."""

    key: str
    object: Object
    fields: tuple[str, ...]
    filter: Conditions = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DataPackage:
    """Many records in pages, with the fields chosen here."""

    key: str
    object: Object
    fields: tuple[str, ...]
    filter: Conditions = field(default_factory=dict)
    page_size: int = 100


Definition = Listener | RecordLookup | DataPackage


@dataclass(frozen=True, slots=True)
class Field:
    """A column: `name` as the configuration has it, and where its value stands in a record's document.

    Not `declared`: nothing but its values tells the type of a captured value that came in by a listener.
    """

    name: str
    type: DataType
    path: tuple[str, ...]
    declared: bool = True


@dataclass(frozen=True, slots=True)
class Window:
    """A window in use. Without a project it is for every project of the workspace."""

    workspace_id: int
    id: int
    key: str
    project_id: int | None
    project: str | None
    credential_id: int
    definition: Definition
    fields: tuple[Field, ...] = ()


@dataclass(frozen=True, slots=True)
class Cell:
    """One value: as text, and raw. A value that is not there is an empty text and no raw values."""

    type: DataType
    text: str
    values: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """What is seen through a lookup or a package. `total` counts all records, `page` from 1; both None of a lookup."""

    fields: tuple[Field, ...]
    rows: tuple[tuple[Cell, ...], ...]
    page: int | None = None
    size: int | None = None
    total: int | None = None


@dataclass(frozen=True, slots=True)
class Cut:
    """How a package divides into pages: how many records there are, the first id of each page, all ids of a small one."""

    total: int
    starts: tuple[int, ...]
    ids: tuple[int, ...] | None


@dataclass(frozen=True, slots=True)
class Heard:
    """What came in through a listener, about a ticket or contact: a comment, values, or nothing but the call."""

    window: Window
    subject_id: int
    actor: str
    origin: Mapping[str, Any]
    comment: str | None = None
    captured: tuple[Captured, ...] = ()
