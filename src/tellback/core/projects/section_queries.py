"""SQL of provisioning projects, feedback types and external sources."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from tellback.storage.database import Reader, Row, Transaction


async def projects(reader: Reader, workspace_id: int) -> Sequence[Row]:
    """Projects, archived ones too, in the order they were made."""
    rows: Sequence[Row] = await reader.fetch(
        """
        select id, key, name, archived_at is not null as archived
        from projects where workspace_id = $1 order by id
        """,
        workspace_id,
    )
    return rows


async def put_project(tx: Transaction, workspace_id: int, project_id: int | None, key: str, name: str) -> int:
    """Make a project, or store what a known one is now and bring it back; gives its id."""
    if project_id is None:
        made: int = await tx.fetchval(
            "insert into projects (workspace_id, key, name) values ($1, $2, $3) returning id",
            workspace_id, key, name,
        )  # fmt: skip
        return made
    await tx.execute(
        "update projects set key = $3, name = $4, archived_at = null where workspace_id = $1 and id = $2",
        workspace_id, project_id, key, name,
    )  # fmt: skip
    return project_id


async def feedback_types(reader: Reader, workspace_id: int) -> Sequence[Row]:
    """Feedback types of every project, archived ones too, in the order they were made."""
    rows: Sequence[Row] = await reader.fetch(
        """
        select t.*, p.key as project, t.archived_at is not null as archived
        from feedback_types t join projects p on p.workspace_id = t.workspace_id and p.id = t.project_id
        where t.workspace_id = $1 order by t.id
        """,
        workspace_id,
    )
    return rows


async def put_feedback_type(
    tx: Transaction, workspace_id: int, type_id: int | None, project_id: int, columns: dict[str, Any]
) -> int:
    """Make a feedback type with its counter, or store what a known one is now, brought back; gives its id.

    `columns` are key, name, prefix, digits, statuses, elements, sla and satisfaction, the last four as JSON.
    """
    values = [columns[name] for name in ("key", "name", "prefix", "digits")]
    values += [_json(columns[name]) for name in ("statuses", "elements", "sla", "satisfaction")]
    if type_id is None:
        made: int = await tx.fetchval(
            """
            with made as (
              insert into feedback_types
                (workspace_id, project_id, key, name, prefix, digits, statuses, elements, sla, satisfaction)
              values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) returning id
            )
            insert into feedback_counters (workspace_id, type_id) select $1, id from made returning type_id
            """,
            workspace_id, project_id, *values,
        )  # fmt: skip
        return made
    await tx.execute(
        """
        update feedback_types set key = $3, name = $4, prefix = $5, digits = $6, statuses = $7, elements = $8,
               sla = $9, satisfaction = $10, archived_at = null
        where workspace_id = $1 and id = $2
        """,
        workspace_id, type_id, *values,
    )  # fmt: skip
    return type_id


async def external_sources(reader: Reader, workspace_id: int) -> Sequence[Row]:
    """External sources of every project with the names of what they refer to, archived ones too."""
    rows: Sequence[Row] = await reader.fetch(
        """
        select s.*, p.key as project, t.key as feedback_type, c.name as api_key, d.email as submitter,
               s.archived_at is not null as archived
        from external_sources s
        join projects p on p.workspace_id = s.workspace_id and p.id = s.project_id
        join feedback_types t on t.workspace_id = s.workspace_id and t.id = s.type_id
        join credentials c on c.workspace_id = s.workspace_id and c.id = s.credential_id
        left join contacts d on d.workspace_id = s.workspace_id and d.id = s.default_submitter
        where s.workspace_id = $1 order by s.id
        """,
        workspace_id,
    )
    return rows


_SOURCE_COLUMNS = (
    "project_id", "type_id", "credential_id", "key", "name", "status", "status_parameter",
    "default_submitter", "submitter_parameter", "fields", "unmapped", "run_automation", "run_workflow",
)  # fmt: skip


async def put_external_source(
    tx: Transaction, workspace_id: int, source_id: int | None, columns: dict[str, Any]
) -> None:
    """Make an external source, or store what a known one is now and bring it back.

    `columns` are those of the table; `fields` as a list of (element key, parameter).
    """
    values = [_json(columns[name]) if name == "fields" else columns[name] for name in _SOURCE_COLUMNS]
    if source_id is None:
        places = ", ".join(f"${place}" for place in range(2, len(values) + 2))
        names = ", ".join(_SOURCE_COLUMNS)
        await tx.execute(
            f"insert into external_sources (workspace_id, {names}) values ($1, {places})",
            workspace_id, *values,
        )  # fmt: skip
        return
    changes = ", ".join(f"{name} = ${place}" for place, name in enumerate(_SOURCE_COLUMNS, 3))
    await tx.execute(
        f"update external_sources set {changes}, archived_at = null where workspace_id = $1 and id = $2",
        workspace_id, source_id, *values,
    )  # fmt: skip


async def archive_projects(tx: Transaction, workspace_id: int, ids: Sequence[int]) -> None:
    await tx.execute(
        "update projects set archived_at = now() where workspace_id = $1 and id = any($2::bigint[])",
        workspace_id, list(ids),
    )  # fmt: skip


async def archive_feedback_types(tx: Transaction, workspace_id: int, ids: Sequence[int]) -> None:
    await tx.execute(
        "update feedback_types set archived_at = now() where workspace_id = $1 and id = any($2::bigint[])",
        workspace_id, list(ids),
    )  # fmt: skip


async def archive_external_sources(tx: Transaction, workspace_id: int, ids: Sequence[int]) -> None:
    await tx.execute(
        "update external_sources set archived_at = now() where workspace_id = $1 and id = any($2::bigint[])",
        workspace_id, list(ids),
    )  # fmt: skip


def _json(value: Any) -> str | None:
    return None if value is None else msgspec.json.encode(value).decode()


async def feedback_type(reader: Reader, workspace_id: int, project: str, type: str) -> tuple[int, int] | None:
    """The ids of a project in use and of its feedback type, by their keys."""
    row = await reader.fetchrow(
        """
        select p.id as project_id, t.id as type_id
        from projects p join feedback_types t on t.workspace_id = p.workspace_id and t.project_id = p.id
        where p.workspace_id = $1 and lower(p.key) = lower($2) and lower(t.key) = lower($3)
          and p.archived_at is null and t.archived_at is null
        """,
        workspace_id, project, type,
    )  # fmt: skip
    return (row["project_id"], row["type_id"]) if row else None
