"""SQL of windows: what they are, and the records seen through them, page by page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from tellback.core.conditions import Conditions
from tellback.core.windows import fields
from tellback.core.windows.filter_queries import Where
from tellback.core.windows.model import (
    Cut,
    DataPackage,
    DataType,
    Definition,
    Field,
    Kind,
    Listener,
    Object,
    RecordLookup,
    Window,
)
from tellback.storage.database import Reader, Row

DEFINITIONS: Mapping[Kind, type[Definition]] = {
    "listener": Listener,
    "record_lookup": RecordLookup,
    "data_package": DataPackage,
}


async def window(reader: Reader, workspace_id: int, kind: Kind, key: str) -> Window | None:
    """A window in use, compiled; keys are compared without regard to case."""
    row = await reader.fetchrow(
        """
        select w.*, p.key as project from windows w
        left join projects p on p.workspace_id = w.workspace_id and p.id = w.project_id
        where w.workspace_id = $1 and w.kind = $2 and lower(w.key) = lower($3) and w.archived_at is null
          and p.archived_at is null
        """,
        workspace_id, kind, key,
    )  # fmt: skip
    if row is None:
        return None
    definition = msgspec.json.decode(row["definition"], type=DEFINITIONS[kind])
    fields: tuple[Field, ...] = ()
    if not isinstance(definition, Listener):
        fields = await _fields(reader, row, definition)
    return Window(
        workspace_id, row["id"], row["key"], row["project_id"], row["project"], row["credential_id"],
        definition, fields,
    )  # fmt: skip


async def _fields(reader: Reader, row: Row, definition: RecordLookup | DataPackage) -> tuple[Field, ...]:
    """The columns; a name that stands for nothing any more is an empty one."""
    known = await elements(reader, row["workspace_id"], row["project_id"])
    captured = await captured_types(reader, row["workspace_id"])
    return tuple(
        fields.field(definition.object, name, known, captured) or Field(name, "string", ("",))
        for name in definition.fields
    )


async def elements(reader: Reader, workspace_id: int, project_id: int | None) -> dict[str, str]:
    """Element keys with their types, of a project or of all; `text` where two forms do not agree."""
    rows = await reader.fetch(
        """
        select elements from feedback_types
        where workspace_id = $1 and ($2::bigint is null or project_id = $2) and archived_at is null order by id
        """,
        workspace_id, project_id,
    )  # fmt: skip
    found: dict[str, str] = {}
    for row in rows:
        for one in msgspec.json.decode(row["elements"]):
            same = found.setdefault(one["key"], one["type"]) == one["type"]
            found[one["key"]] = one["type"] if same else "text"
    return found


async def captured_types(reader: Reader, workspace_id: int) -> dict[str, DataType]:
    """The types of return values of the workspace's webhooks, by `<group>.<label>`."""
    rows = await reader.fetch(
        """
        select r ->> 'group' as name, r ->> 'label' as label, r ->> 'type' as type
        from destinations d, jsonb_array_elements(coalesce(d.definition -> 'return_values', '[]')) as r
        where d.workspace_id = $1 and d.kind = 'webhook' and d.archived_at is null
        """,
        workspace_id,
    )
    return {f"{row['name']}.{row['label']}": row["type"] for row in rows}


_TICKETS = """
from tickets t where t.workspace_id = $1 and t.deleted_at is null and ($2::bigint is null or t.project_id = $2)
"""
_PEOPLE = """
from contacts t where t.workspace_id = $1 and ($2::bigint is null or exists (
  select 1 from participants a
  where a.workspace_id = $1 and a.project_id = $2 and a.contact_id = t.id and a.archived_at is null))
"""
_PROJECTS = "from projects t where t.workspace_id = $1 and t.archived_at is null and ($2::bigint is null or t.id = $2)"
_FROM: Mapping[Object, str] = {"feedback": _TICKETS, "user": _PEOPLE, "project": _PROJECTS}


#: Of so many records all ids are kept, so that few among many are not looked for again for every page.
WHOLE = 10_000


async def cut(
    reader: Reader,
    workspace_id: int,
    project_id: int | None,
    object: Object,
    filter: Conditions,
    size: int,
) -> Cut:
    """How many records fit a filter, and the id that each page of `size` begins with."""
    where = Where(object, filter, 4)
    row = await reader.fetchrow(
        f"""
        select count(*) as total, coalesce(array_agg(id order by id) filter (where (n - 1) % $3 = 0), '{{}}') as starts,
               coalesce(array_agg(id order by id) filter (where n <= {WHOLE}), '{{}}') as ids
        from (select t.id, row_number() over (order by t.id) as n {_FROM[object]} and {where.text}) numbered
        """,
        workspace_id, project_id, size, *where.arguments,
    )  # fmt: skip
    return Cut(row["total"], tuple(row["starts"]), tuple(row["ids"]) if row["total"] <= WHOLE else None)


async def ids(
    reader: Reader,
    workspace_id: int,
    project_id: int | None,
    object: Object,
    filter: Conditions,
    first: int,
    before: int | None,
    limit: int,
) -> list[int]:
    """The ids of records that fit a filter, from `first` on and below `before`, ascending."""
    where = Where(object, filter, 6)
    rows = await reader.fetch(
        f"""
        select t.id {_FROM[object]} and t.id >= $3 and ($4::bigint is null or t.id < $4) and {where.text}
        order by t.id limit $5
        """,
        workspace_id, project_id, first, before, limit, *where.arguments,
    )  # fmt: skip
    return [row["id"] for row in rows]


async def people(
    reader: Reader, workspace_id: int, project_id: int | None, ids: Sequence[int]
) -> dict[int, dict[str, Any]]:
    """People as documents by id, with the name they have in the project."""
    rows = await reader.fetch(
        """
        select c.id, c.email, c.phone, c.first_name, c.last_name, c.job_title, c.language, c.segments, c.external,
               c.created_at, c.changed_at, a.name as account,
               coalesce(p.name, c.name, nullif(concat_ws(' ', c.first_name, c.last_name), '')) as name
        from contacts c
        left join accounts a on a.workspace_id = c.workspace_id and a.id = c.account_id
        left join participants p on p.workspace_id = c.workspace_id and p.project_id = $2 and p.contact_id = c.id
        where c.workspace_id = $1 and c.id = any($3::bigint[])
        """,
        workspace_id, project_id, list(ids),
    )  # fmt: skip
    found = {}
    for row in rows:
        document = dict(row)
        for name in ("segments", "external"):
            document[name] = msgspec.json.decode(document[name])
        found[row["id"]] = msgspec.to_builtins(document)
    return found


async def person(reader: Reader, workspace_id: int, project_id: int | None, reference: str) -> int | None:
    """The contact with this id or e-mail address, of the project's participants where there is one."""
    number = int(reference) if reference.isascii() and reference.isdigit() and len(reference) < 19 else None
    found: int | None = await reader.fetchval(
        f"select t.id {_PEOPLE} and (t.id = $3 or ($3 is null and t.email_key = lower($4)))",
        workspace_id, project_id, number, reference.strip(),
    )  # fmt: skip
    return found


async def projects(reader: Reader, workspace_id: int, ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Projects as documents by id."""
    rows = await reader.fetch(
        """
        select p.id, p.key, p.name, p.created_at,
               array(select f.key from feedback_types f where f.workspace_id = p.workspace_id
                     and f.project_id = p.id and f.archived_at is null order by f.id) as feedback_types
        from projects p where p.workspace_id = $1 and p.id = any($2::bigint[])
        """,
        workspace_id, list(ids),
    )  # fmt: skip
    return {row["id"]: msgspec.to_builtins(dict(row)) for row in rows}


async def project_id(reader: Reader, workspace_id: int, key: str) -> int | None:
    """The id of a project in use."""
    found: int | None = await reader.fetchval(
        "select id from projects where workspace_id = $1 and lower(key) = lower($2) and archived_at is null",
        workspace_id, key,
    )  # fmt: skip
    return found
