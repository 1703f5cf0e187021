"""Provisioning, section `workspace`: the workspace itself, first because everything stands in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tellback.core import form, form_values
from tellback.core.section import NO_WORKSPACE, Change, Scope, Section, Step, Stored
from tellback.core.workspaces import rules
from tellback.core.workspaces import section_queries as queries
from tellback.core.workspaces.model import Workspace
from tellback.storage.database import Reader, Transaction


@dataclass(frozen=True)
class WorkspaceDoc:
    """A workspace as the document has it. Absent name and zone stay as they are stored."""

    slug: str
    name: Any  # str or KEPT
    timezone: Any  # str or KEPT
    at: str = form.location()


FORM = form.Object(
    "workspace",
    {
        "slug": form.Member(
            form_values.Text("a slug (small letters, digits, _ -; 63 at most)", most=63, shape=rules.SLUG)
        ),
        "name": form.Member(form_values.Text(), form.KEPT),
        "timezone": form.Member(form_values.Zone(), form.KEPT),
    },
    WorkspaceDoc,
)


def zone(document: WorkspaceDoc, stored: Workspace | None) -> str:
    """The time zone the workspace will have: what days in the rest of the document count in."""
    if document.timezone is not form.KEPT:
        return str(document.timezone)
    return stored.timezone if stored else "UTC"


async def _load(reader: Reader, scope: Scope) -> Workspace | None:
    return await queries.workspace_by_id(reader, scope.workspace_id)


def _show(stored: Workspace | None, scope: Scope) -> WorkspaceDoc | None:
    return WorkspaceDoc(stored.slug, stored.name, stored.timezone) if stored else None


def _check(scope: Scope) -> None:
    """The form says it all."""


def _plan(scope: Scope) -> Sequence[Step[WorkspaceDoc]]:
    wanted: WorkspaceDoc = scope.document["workspace"]
    stored: Workspace | None = (scope.stored or {}).get("workspace")
    if stored is None:
        return [Step(Change("workspace", "created"), wanted, None)]
    was = WorkspaceDoc(stored.slug, stored.name, stored.timezone)
    members = form.differences(FORM, was, wanted)
    return [Step(Change("workspace", "changed", members), wanted, Stored(stored.id, was))] if members else []


async def _store(tx: Transaction, scope: Scope, steps: Sequence[Step[WorkspaceDoc]]) -> None:
    for step in steps:
        if step.thing is None:
            continue
        was = step.stored.thing if step.stored else WorkspaceDoc(step.thing.slug, step.thing.slug, "UTC")
        name = was.name if step.thing.name is form.KEPT else step.thing.name
        timezone = was.timezone if step.thing.timezone is form.KEPT else step.thing.timezone
        if scope.workspace_id == NO_WORKSPACE:
            scope.workspace_id = await queries.add_workspace(tx, step.thing.slug, name, timezone)
        else:
            await queries.change_workspace(tx, scope.workspace_id, name, timezone)


SECTION = Section("workspace", FORM, _load, _show, _check, _plan, _store, required=True)
