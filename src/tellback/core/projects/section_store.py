"""Provisioning, section `projects`: carrying out the steps."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from tellback.core import changes, form
from tellback.core.people import section_queries as people_queries
from tellback.core.projects import section_queries as queries
from tellback.core.projects import section_state as state
from tellback.core.projects.section_model import ParticipantDoc, ProjectDoc, SourceDoc, TypeDoc
from tellback.core.section import Scope, Step
from tellback.core.workspaces import section_queries as workspace_queries
from tellback.storage.database import Transaction

Thing = TypeVar("Thing")
#: A thing to store with the id it has, None for a new one.
Wanted = tuple[Thing, int | None]


async def store(tx: Transaction, scope: Scope, steps: Sequence[Step[Any]]) -> None:
    """Projects first, then who and what stands in them: each refers to the ones before."""
    stored = state.of(scope)
    project_ids = {key: one.id for key, one in stored.projects.items()}
    type_ids = {
        (project, key): one.id for project, types in stored.types.items() for key, one in types.items()
    }
    for project, known in _wanted(steps, ProjectDoc):
        key = state.project_key(project)
        name = project.name
        if name is form.KEPT:
            name = stored.projects[key].thing.name if key in stored.projects else project.key
        project_ids[key] = await queries.put_project(tx, scope.workspace_id, known, project.key, name)
    await _store_participants(tx, scope, _wanted(steps, ParticipantDoc), project_ids)
    for type, known in _wanted(steps, TypeDoc):
        type_ids[type.project, state.type_key(type)] = await queries.put_feedback_type(
            tx, scope.workspace_id, known, project_ids[type.project], _type_columns(type)
        )
    await _store_sources(tx, scope, _wanted(steps, SourceDoc), project_ids, type_ids)
    await _archive(tx, scope, [step for step in steps if step.thing is None], project_ids)


def _wanted(steps: Sequence[Step[Any]], kind: type[Thing]) -> list[Wanted[Thing]]:
    return [
        (step.thing, step.stored.id if step.stored else None)
        for step in steps
        if isinstance(step.thing, kind)
    ]


async def _store_participants(
    tx: Transaction, scope: Scope, wanted: Sequence[Wanted[ParticipantDoc]], project_ids: Mapping[str, int]
) -> None:
    people = [(person, None if person.name is form.KEPT else person.name) for person, _ in wanted]
    if not people:
        return
    contact_ids, made = await people_queries.ensure_contacts(
        tx, scope.workspace_id, [(person.email, name) for person, name in people]
    )
    scope.feed += [
        changes.NewChange("contact.created", "contact", str(contact), scope.actor) for contact in made
    ]
    await people_queries.put_participants(
        tx,
        scope.workspace_id,
        [project_ids[person.project] for person, _ in people],
        [contact_ids[state.participant_key(person)] for person, _ in people],
        [name for _, name in people],
    )


def _type_columns(type: TypeDoc) -> dict[str, Any]:
    return {
        "key": type.key,
        "name": type.name,
        "prefix": type.prefix,
        "digits": type.digits,
        "statuses": [_json(status) for status in type.statuses],
        "elements": [_json(element) for element in type.elements],
        "sla": _json(type.sla) if type.sla else None,
        "satisfaction": _json(type.satisfaction) if type.satisfaction else None,
    }


def _json(part: Any) -> dict[str, Any]:
    """A part as it is stored: all its members, and no paths of the file it came from."""
    return dataclasses.asdict(
        part, dict_factory=lambda pairs: {name: it for name, it in pairs if name != "at"}
    )


async def _store_sources(
    tx: Transaction,
    scope: Scope,
    sources: Sequence[Wanted[SourceDoc]],
    project_ids: Mapping[str, int],
    type_ids: Mapping[tuple[str, str], int],
) -> None:
    if not sources:
        return
    keys = await workspace_queries.credential_ids(tx, scope.workspace_id, "api_key")
    submitters = [(source.default_submitter, None) for source, _ in sources if source.default_submitter]
    contacts, _ = await people_queries.ensure_contacts(tx, scope.workspace_id, submitters)
    for source, known in sources:
        columns = _json(source) | {
            "project_id": project_ids[source.project],
            "type_id": type_ids[source.project, source.feedback_type.lower()],
            "credential_id": keys[source.api_key],
            "default_submitter": contacts[source.default_submitter.lower()]
            if source.default_submitter
            else None,
        }
        await queries.put_external_source(tx, scope.workspace_id, known, columns)


async def _archive(
    tx: Transaction, scope: Scope, steps: Sequence[Step[Any]], project_ids: Mapping[str, int]
) -> None:
    gone = [step.stored for step in steps if step.stored]

    def ids(kind: type) -> list[int]:
        return [stored.id for stored in gone if isinstance(stored.thing, kind)]

    await queries.archive_external_sources(tx, scope.workspace_id, ids(SourceDoc))
    await queries.archive_feedback_types(tx, scope.workspace_id, ids(TypeDoc))
    people = [stored for stored in gone if isinstance(stored.thing, ParticipantDoc)]
    await people_queries.archive_participants(
        tx, scope.workspace_id, [project_ids[one.thing.project] for one in people], [one.id for one in people]
    )
    await queries.archive_projects(tx, scope.workspace_id, ids(ProjectDoc))
