"""SQL of projects, feedback types and external sources, as the intake reads them."""

from __future__ import annotations

from typing import Any

import msgspec

from tellback.core.people import Participant, email_key
from tellback.core.people import queries as people_queries
from tellback.core.projects.model import (
    Element,
    FeedbackType,
    Project,
    Promise,
    Satisfaction,
    Source,
    Status,
)
from tellback.core.workspaces import Workspace
from tellback.storage.database import Reader, Row


async def project_by_key(reader: Reader, workspace_id: int, key: str) -> Project | None:
    """A project in use, with everything its sources need. Keys are compared without regard to case."""
    row = await reader.fetchrow(
        """
        select id, key, name from projects
        where workspace_id = $1 and lower(key) = lower($2) and archived_at is null
        """,
        workspace_id, key,
    )  # fmt: skip
    if row is None:
        return None
    people = await people_queries.participants(reader, workspace_id, row["id"])
    types = await feedback_types(reader, workspace_id, row["id"])
    sources = await reader.fetch(
        "select * from external_sources where workspace_id = $1 and project_id = $2 and archived_at is null order by id",
        workspace_id, row["id"],
    )  # fmt: skip
    by_id = {person.contact_id: person for person in people}
    return Project(
        workspace_id=workspace_id,
        id=row["id"],
        key=row["key"],
        name=row["name"],
        participants={email_key(person.email): person for person in people},
        sources=tuple(_source(source, types, by_id) for source in sources if source["type_id"] in types),
    )


async def workspaces_with_project(reader: Reader, key: str) -> list[Workspace]:
    """The first two workspaces that have a project in use by that key, for who does not say which one is meant."""
    rows = await reader.fetch(
        """
        select w.id, w.slug, w.name, w.timezone from projects p join workspaces w on w.id = p.workspace_id
        where lower(p.key) = lower($1) and p.archived_at is null
        order by w.id limit 2
        """,
        key,
    )
    return [Workspace(**row) for row in rows]


async def feedback_types(reader: Reader, workspace_id: int, project_id: int) -> dict[int, FeedbackType]:
    """The types in use of a project, by id."""
    rows = await reader.fetch(
        "select * from feedback_types where workspace_id = $1 and project_id = $2 and archived_at is null",
        workspace_id, project_id,
    )  # fmt: skip
    return {row["id"]: feedback_type_of(row) for row in rows}


async def feedback_type_by_key(
    reader: Reader, workspace_id: int, project: str, key: str
) -> tuple[int, str, FeedbackType] | None:
    """A type in use, with its project's id and key; keys without regard to case."""
    row = await reader.fetchrow(
        """
        select ft.*, p.key as project_key from feedback_types ft
        join projects p on p.workspace_id = ft.workspace_id and p.id = ft.project_id
        where ft.workspace_id = $1 and lower(p.key) = lower($2) and lower(ft.key) = lower($3)
          and ft.archived_at is null and p.archived_at is null
        """,
        workspace_id, project, key,
    )  # fmt: skip
    return None if row is None else (row["project_id"], row["project_key"], feedback_type_of(row))


async def project_key(reader: Reader, workspace_id: int, project_id: int) -> str | None:
    """The key of a project in use."""
    key: str | None = await reader.fetchval(
        "select key from projects where workspace_id = $1 and id = $2 and archived_at is null",
        workspace_id,
        project_id,
    )
    return key


def feedback_type_of(row: Row) -> FeedbackType:
    """A row of `feedback_types`."""
    return FeedbackType(
        id=row["id"],
        key=row["key"],
        name=row["name"],
        prefix=row["prefix"],
        digits=row["digits"],
        statuses=tuple(Status(s["name"], s["kind"]) for s in msgspec.json.decode(row["statuses"])),
        elements=tuple(_element(e) for e in msgspec.json.decode(row["elements"])),
        promise=msgspec.json.decode(row["sla"], type=Promise) if row["sla"] else None,
        satisfaction=msgspec.json.decode(row["satisfaction"], type=Satisfaction)
        if row["satisfaction"]
        else None,
    )


def _element(stored: dict[str, Any]) -> Element:
    options = stored.get("options") or []
    choices = {option["internal"]: option["label"] for option in options if option.get("internal")}
    choices |= {option["label"]: option["label"] for option in options}
    return Element(
        key=stored["key"],
        label=stored["label"],
        type=stored["type"],
        required=bool(stored.get("required")),
        role=stored.get("role"),
        options=tuple(option["label"] for option in options),
        choices=choices,
        lowest=stored.get("min") or 0,
        highest=stored.get("max") or 0,
    )


def _source(row: Row, types: dict[int, FeedbackType], people: dict[int, Participant]) -> Source:
    feedback_type = types[row["type_id"]]
    elements = {element.key: element for element in feedback_type.elements}
    return Source(
        id=row["id"],
        project_id=row["project_id"],
        key=row["key"],
        name=row["name"],
        type=feedback_type,
        credential_id=row["credential_id"],
        status=next((s for s in feedback_type.statuses if s.name == row["status"]), None),
        status_parameter=row["status_parameter"],
        default_submitter=people.get(row["default_submitter"]),
        submitter_parameter=row["submitter_parameter"],
        fields=tuple(
            (elements[key], parameter)
            for key, parameter in msgspec.json.decode(row["fields"])
            if key in elements
        ),
        refuse_unmapped=row["unmapped"] == "reject",
        run_automation=row["run_automation"],
        run_workflow=row["run_workflow"],
    )
