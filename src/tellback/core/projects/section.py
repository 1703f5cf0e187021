"""Provisioning, section `projects`: checked across the document and compared with what is stored."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from tellback.core import form
from tellback.core.projects import section_forms as forms
from tellback.core.projects import section_rules as rules
from tellback.core.projects import section_state as state
from tellback.core.projects import section_store
from tellback.core.projects.section_model import ProjectDoc, SourceDoc, TypeDoc
from tellback.core.section import Scope, Section, Step, Stored, compare, in_use, replaced
from tellback.core.workspaces import section_api_keys
from tellback.storage.database import Reader


async def _load(reader: Reader, scope: Scope) -> state.Projects:
    return await state.load(reader, scope.workspace_id)


def _show(stored: state.Projects, scope: Scope) -> Sequence[ProjectDoc]:
    return state.shown(stored)


def _stored(scope: Scope) -> state.Projects:
    return state.of(scope)


def _check(scope: Scope) -> None:
    _check_prefixes(scope)
    for project in scope.listed("projects"):
        _check_source_keys(scope, project)
        for type in project.feedback_types:
            for source in type.external_sources:
                _check_source(scope, project, type, source)
            _check_sources_left_alone(scope, project, type)


def _check_prefixes(scope: Scope) -> None:
    """A ticket is found by its display id in the whole workspace, so no two types may share a prefix."""
    mentioned = {
        (state.project_key(project), state.type_key(type))
        for project in scope.listed("projects")
        for type in project.feedback_types
    }
    taken = {
        stored.thing.prefix.lower(): f"{project}.{stored.thing.key}"
        for project, types in _stored(scope).types.items()
        for key, stored in types.items()
        if (project, key) not in mentioned
    }
    for project in scope.listed("projects"):
        for type in project.feedback_types:
            holder = taken.setdefault(type.prefix.lower(), f"{project.key}.{type.key}")
            if holder != f"{project.key}.{type.key}":
                scope.fault(f"{type.at}.prefix", f"{type.prefix!r} is the prefix of {holder} already")


def _check_source_keys(scope: Scope, project: ProjectDoc) -> None:
    """Sources are addressed below their project, so their keys are unique in it."""
    seen: dict[str, str] = {}
    for type in project.feedback_types:
        for source in type.external_sources:
            first = seen.setdefault(state.source_key(source), type.key)
            if first != type.key:
                scope.fault(
                    f"{source.at}.key", f"{source.key!r} is a source of {first} in this project already"
                )


def _check_source(scope: Scope, project: ProjectDoc, type: TypeDoc, source: SourceDoc) -> None:
    for member, message in rules.source_in_type(
        source,
        state.with_left_out(scope, f"{type.at}.statuses", [status.name for status in type.statuses]),
        state.with_left_out(scope, f"{type.at}.elements", [element.key for element in type.elements]),
        [element.key for element in type.elements if element.type == "file"],
    ):
        scope.fault(form.join(source.at, member), message)
    keys = section_api_keys.known_names(scope)
    if keys is not None and source.api_key not in keys:
        scope.fault(f"{source.at}.api_key", f"there is no API key {source.api_key!r}")
    people = _known_participants(scope, project)
    if people is not None and source.default_submitter and source.default_submitter.lower() not in people:
        scope.fault(
            f"{source.at}.default_submitter", f"{source.default_submitter} is no participant of {project.key}"
        )


def _known_participants(scope: Scope, project: ProjectDoc) -> frozenset[str] | None:
    """Who will participate, by lower-case e-mail; None where that cannot be known."""
    left_out = scope.reading.left_out(f"{project.at}.participants")
    if left_out is None:
        return None
    named = {state.participant_key(person) for person in project.participants}
    named |= {email.lower() for email in left_out}
    if scope.prune:
        return frozenset(named)
    if scope.stored is None:
        return None
    stored = _stored(scope).participants.get(state.project_key(project), {})
    return frozenset(named | {state.participant_key(person) for person in in_use(stored)})


def _check_sources_left_alone(scope: Scope, project: ProjectDoc, type: TypeDoc) -> None:
    """A source that the document does not mention goes on working: what it names may not be taken away."""
    mentioned = _mentioned_sources(scope, project)
    if scope.prune or mentioned is None:
        return
    statuses = state.with_left_out(scope, f"{type.at}.statuses", [one.name for one in type.statuses])
    elements = state.with_left_out(scope, f"{type.at}.elements", [one.key for one in type.elements])
    files = [one.key for one in type.elements if one.type == "file"]
    for source in in_use(_stored(scope).sources.get(state.project_key(project), {})):
        if source.feedback_type.lower() != state.type_key(type) or state.source_key(source) in mentioned:
            continue
        for _, message in rules.source_in_type(source, statuses, elements, files):
            scope.fault(
                type.at, f"the source {source.key!r}, which is not mentioned here, needs it: {message}"
            )


def _mentioned_sources(scope: Scope, project: ProjectDoc) -> frozenset[str] | None:
    """The sources that the document has in a project, by lower-case key; None where faults hide some."""
    if scope.reading.left_out(f"{project.at}.feedback_types") != frozenset():
        return None
    keys: set[str] = set()
    for type in project.feedback_types:
        left_out = scope.reading.left_out(f"{type.at}.external_sources")
        if left_out is None:
            return None
        keys |= {state.source_key(source) for source in type.external_sources}
        keys |= {key.lower() for key in left_out}
    return frozenset(keys)


def _plan(scope: Scope) -> Sequence[Step[Any]]:
    stored = _stored(scope)
    wanted: dict[str, ProjectDoc] = {state.project_key(one): one for one in scope.listed("projects")}
    steps: list[Step[Any]] = list(
        compare(
            "projects", forms.PROJECT, stored.projects, list(wanted.values()), state.project_key, _name,
            prune=scope.prune, leaving=("participants", "feedback_types"),
        )
    )  # fmt: skip
    for key in [*wanted, *(key for key in stored.projects if scope.prune and key not in wanted)]:
        project = wanted.get(key) or ProjectDoc(stored.projects[key].thing.key)
        steps += _plan_project(scope, stored, project)
    return steps


def _plan_project(scope: Scope, stored: state.Projects, project: ProjectDoc) -> Iterator[Step[Any]]:
    key, at = state.project_key(project), f"projects.{project.key}"
    people = [replaced(person, project=key) for person in project.participants]
    types = [replaced(type, project=key) for type in project.feedback_types]
    sources = [
        replaced(source, project=key, feedback_type=type.key)
        for type in types
        for source in type.external_sources
    ]
    yield from compare(
        f"{at}.participants", forms.PARTICIPANT, stored.participants.get(key, {}), people,
        state.participant_key, lambda person: person.email, prune=scope.prune, leaving=("email",),
    )  # fmt: skip
    yield from compare(
        f"{at}.feedback_types", forms.TYPE, stored.types.get(key, {}), types, state.type_key, _name,
        prune=scope.prune, leaving=("external_sources",),
    )  # fmt: skip
    yield from compare(
        f"{at}.external_sources", forms.SOURCE, stored.sources.get(key, {}), sources, state.source_key, _name,
        prune=scope.prune, leaving=("default_submitter",), also=_source_differences,
    )  # fmt: skip


def _name(thing: ProjectDoc | TypeDoc | SourceDoc) -> str:
    return thing.key


def _source_differences(known: Stored[SourceDoc], wanted: SourceDoc) -> Iterable[form.MemberChange]:
    before, after = known.thing.default_submitter, wanted.default_submitter
    if (before or "").lower() != (after or "").lower():
        yield form.MemberChange("default_submitter", before, after)
    if known.thing.feedback_type.lower() != wanted.feedback_type.lower():
        yield form.MemberChange("feedback_type", known.thing.feedback_type, wanted.feedback_type)


SECTION = Section("projects", forms.PROJECTS, _load, _show, _check, _plan, section_store.store)
