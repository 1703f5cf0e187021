"""Making a workspace be as a document says: plan, then store, in one transaction."""

from __future__ import annotations

import asyncio
import dataclasses
from typing import Any

from tellback.core import cache_queries, changes, errors, form
from tellback.core.actor import OPERATOR, Actor
from tellback.core.provisioning import queries
from tellback.core.provisioning.model import Document, Outcome, Plan
from tellback.core.provisioning.sections import SECTIONS
from tellback.core.section import NO_WORKSPACE, Scope
from tellback.core.workspaces import find
from tellback.core.workspaces import queries as workspace_queries
from tellback.core.workspaces.section_workspace import zone
from tellback.storage.database import Database, Reader, Transaction


async def apply(
    db: Database,
    document: Document,
    *,
    dry_run: bool = False,
    prune: bool = False,
    actor: Actor = OPERATOR,
) -> Outcome:
    """Make the workspace that `document` names be as it says, wholly or not at all.

    What the document does not mention stays; with `prune` it is archived, in every section. Two runs at once
    go one after the other. Raises `Invalid` with every `FileFault`, those included that only the database
    shows, and `DatabaseAway`.
    """
    if dry_run:
        async with db.reading() as reader:
            planned = await plan(reader, document, prune=prune)
        return Outcome(planned.scope.slug, planned.changes, (), dry_run=True)
    return await db.write(lambda tx: apply_in(tx, document, prune=prune, actor=actor))


async def plan(reader: Reader, document: Document, *, prune: bool = False) -> Plan:
    """How the workspace differs from `document`. Raises `Invalid` with every fault."""
    if "workspace" not in document.values:
        raise errors.Invalid(document.faults)
    scope = await _scope(reader, document, prune)
    stored: dict[str, Any] = {}
    for section in SECTIONS:
        stored[section.name] = await section.load(reader, scope)
    scope.stored = stored
    for section in SECTIONS:
        section.check(scope)
    if scope.reading.faults:
        raise errors.Invalid(scope.reading.in_order())
    # In a thread, because telling whether a password is still the same takes tens of milliseconds each.
    steps = {section.name: await asyncio.to_thread(section.plan, scope) for section in SECTIONS}
    return Plan(scope, steps)


async def show(reader: Reader, slug: str) -> dict[str, Any]:
    """The document that describes a workspace as it is, without secrets; applying it changes nothing.

    Raises `NotFound`.
    """
    workspace = await find(reader, slug)
    scope = Scope(
        form.Reading(slug), document={}, workspace_id=workspace.id, slug=slug, timezone=workspace.timezone
    )
    shown = {}
    for section in SECTIONS:
        value = section.show(await section.load(reader, scope), scope)
        if value:
            shown[section.name] = section.form.write(value)
    return shown


async def _scope(reader: Reader, document: Document, prune: bool) -> Scope:
    wanted = document.values["workspace"]
    workspace = await workspace_queries.workspace_by_slug(reader, wanted.slug)
    return Scope(
        reading=dataclasses.replace(document.reading, faults=list(document.reading.faults)),
        document=document.values,
        prune=prune,
        workspace_id=workspace.id if workspace else NO_WORKSPACE,
        slug=wanted.slug,
        timezone=zone(wanted, workspace),
    )


async def apply_in(tx: Transaction, document: Document, *, prune: bool, actor: Actor) -> Outcome:
    """As `apply`, in the caller's transaction; its last effect but for what the caller keeps of the outcome."""
    await queries.lock(tx)
    planned = await plan(tx, document, prune=prune)
    scope = planned.scope
    scope.actor = actor
    if planned.changes:
        for section in SECTIONS:
            await section.store(tx, scope, planned.steps[section.name])
        await cache_queries.raise_version(tx)
        # Only how many of what: paths name people, and the feed is kept when a person is erased.
        data = {"sections": {name: len(steps) for name, steps in planned.steps.items() if steps}}
        changed = changes.NewChange("configuration.changed", "configuration", scope.slug, actor, data)
        await changes.record(tx, scope.workspace_id, [*scope.feed, changed])
    return Outcome(scope.slug, planned.changes, tuple(scope.secrets), dry_run=False)
