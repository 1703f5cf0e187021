"""SQL of what documents need beside their own capability's queries."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from tellback.storage.database import Reader

_EXTERNAL = {
    "response": "select external from responses where workspace_id = $1 and id = $2",
    "contact": "select external from contacts where workspace_id = $1 and id = $2",
}


async def external(
    reader: Reader, subject_type: Literal["response", "contact"], workspace_id: int, id: int
) -> dict[str, Any]:
    """Captured values, {group: {label: value}}."""
    found: dict[str, Any] = msgspec.json.decode(
        await reader.fetchval(_EXTERNAL[subject_type], workspace_id, id) or b"{}"
    )
    return found


async def contacts_external(reader: Reader, workspace_id: int, ids: Sequence[int]) -> dict[int, Any]:
    """Captured values of contacts, by their ids."""
    rows = await reader.fetch(
        "select id, external from contacts where workspace_id = $1 and id = any($2::bigint[])",
        workspace_id,
        ids,
    )
    return {row["id"]: msgspec.json.decode(row["external"] or b"{}") for row in rows}


async def session_number(reader: Reader, workspace_id: int, token: str) -> int | None:
    number: int | None = await reader.fetchval(
        "select number from sessions where workspace_id = $1 and token = $2", workspace_id, token
    )
    return number


async def tickets_above(
    reader: Reader,
    workspace_id: int,
    after: int,
    limit: int,
    project: str | None,
    type: str | None,
    status: str | None,
    tag: str | None,
) -> list[int]:
    """Tickets above id `after`, ascending, deleted ones left out; None leaves a question open."""
    rows = await reader.fetch(
        """
        select t.id from tickets t
        where t.workspace_id = $1 and t.id > $2 and t.deleted_at is null
          and ($4::text is null or t.project_id in
            (select id from projects where workspace_id = $1 and lower(key) = lower($4)))
          and ($5::text is null or t.type_id in
            (select id from feedback_types where workspace_id = $1 and lower(key) = lower($5)))
          and ($6::text is null or t.status = $6)
          and ($7::text is null or t.tags @> array[$7])
        order by t.id limit $3
        """,
        workspace_id, after, limit, project, type, status, tag,
    )  # fmt: skip
    return [row["id"] for row in rows]
