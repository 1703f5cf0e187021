"""What is stored of projects, as the configuration document would have it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, TypeVar

import msgspec

from tellback.core.people import section_queries as people_queries
from tellback.core.projects import section_queries as queries
from tellback.core.projects.section_model import (
    ElementDoc,
    OptionDoc,
    ParticipantDoc,
    ProjectDoc,
    SatisfactionAnswerDoc,
    SatisfactionDoc,
    SlaDoc,
    SourceDoc,
    StatusDoc,
    TypeDoc,
)
from tellback.core.section import Scope, Stored, by_key, in_use, replaced
from tellback.storage.database import Reader, Row

Thing = TypeVar("Thing")
#: Things of every project: by the project's lower-case key, then by their own.
InProjects = Mapping[str, Mapping[str, Stored[Thing]]]


@dataclass(frozen=True)
class Projects:
    """Everything stored, archived things too. A project's own lists are empty here; they are beside it."""

    projects: Mapping[str, Stored[ProjectDoc]]
    participants: InProjects[ParticipantDoc]
    types: InProjects[TypeDoc]
    sources: InProjects[SourceDoc]


NOTHING = Projects({}, {}, {}, {})


def of(scope: Scope) -> Projects:
    """What the section loaded; nothing while no database was asked."""
    projects: Projects = scope.stored["projects"] if scope.stored else NOTHING
    return projects


def known_keys(scope: Scope) -> frozenset[str] | None:
    """The lower-case keys of the projects there will be; None where that is not known."""
    left_out = scope.reading.left_out("projects")
    if left_out is None:
        return None
    named = {project_key(project) for project in scope.listed("projects")} | _lowered(left_out)
    if scope.prune:
        return frozenset(named)
    if scope.stored is None:
        return None
    return frozenset(named | {project_key(project) for project in in_use(of(scope).projects)})


def known_elements(scope: Scope, project: str | None) -> dict[str, str] | None:
    """The types of the elements there will be, by key, of a project or of all; None where that is not known.

    Where two forms do not agree, or a fault hides it, it is `text`.
    """
    known = known_types(scope)
    if known is None:
        return None
    elements: dict[str, str] = {}
    for (key, _), type in known.items():
        if project is not None and key != project.lower():
            continue
        if type is None or (left_out := scope.reading.left_out(f"{type.at}.elements")) is None:
            return None
        for one in type.elements:
            same = elements.setdefault(one.key, one.type) == one.type
            elements[one.key] = one.type if same else "text"
        elements |= dict.fromkeys(left_out, "text")
    return elements


def known_types(scope: Scope) -> Mapping[tuple[str, str], TypeDoc | None] | None:
    """The feedback types there will be, by lower-case keys of project and type; None where that is not known.

    A type that is None has a fault that hides what is in it.
    """
    if scope.reading.left_out("projects") is None or (scope.stored is None and not scope.prune):
        return None
    known: dict[tuple[str, str], TypeDoc | None] = {}
    if not scope.prune:
        for project, types in of(scope).types.items():
            known |= {(project, type_key(type)): type for type in in_use(types)}
    for document in scope.listed("projects"):
        left_out = scope.reading.left_out(f"{document.at}.feedback_types")
        if left_out is None:
            return None
        known |= {(project_key(document), name): None for name in _lowered(left_out)}
        known |= {(project_key(document), type_key(type)): type for type in document.feedback_types}
    return known


def with_left_out(scope: Scope, path: str, names: Sequence[str]) -> Sequence[str] | None:
    """The names of the list at `path`, those of things with faults too; None where that is not known."""
    left_out = scope.reading.left_out(path)
    return None if left_out is None else [*names, *sorted(left_out)]


def _lowered(names: Iterable[str]) -> frozenset[str]:
    return frozenset(name.lower() for name in names)


def project_key(project: ProjectDoc) -> str:
    return project.key.lower()


def participant_key(person: ParticipantDoc) -> str:
    return person.email.lower()


def type_key(type: TypeDoc) -> str:
    return type.key.lower()


def source_key(source: SourceDoc) -> str:
    return source.key.lower()


async def load(reader: Reader, workspace_id: int) -> Projects:
    """Everything stored of a workspace's projects."""
    people = [_participant(row) for row in await people_queries.participants(reader, workspace_id)]
    types = [_type(row) for row in await queries.feedback_types(reader, workspace_id)]
    sources = [_source(row) for row in await queries.external_sources(reader, workspace_id)]
    return Projects(
        by_key(
            (
                Stored(row["id"], ProjectDoc(row["key"], row["name"]), row["archived"])
                for row in await queries.projects(reader, workspace_id)
            ),
            project_key,
        ),
        _in_projects(people, participant_key),
        _in_projects(types, type_key),
        _in_projects(sources, source_key),
    )


def shown(state: Projects) -> Sequence[ProjectDoc]:
    """What is in use, put together as the document has it."""
    return [
        replaced(
            project,
            participants=tuple(in_use(state.participants.get(project_key(project), {}))),
            feedback_types=tuple(_with_sources(state, project)),
        )
        for project in in_use(state.projects)
    ]


def _with_sources(state: Projects, project: ProjectDoc) -> Iterable[TypeDoc]:
    sources = in_use(state.sources.get(project_key(project), {}))
    for type in in_use(state.types.get(project_key(project), {})):
        own = tuple(source for source in sources if source.feedback_type.lower() == type_key(type))
        yield replaced(type, external_sources=own)


def _in_projects(stored: Sequence[Stored[Any]], key: Callable[[Any], str]) -> InProjects[Any]:
    grouped: dict[str, list[Stored[Any]]] = defaultdict(list)
    for one in stored:
        grouped[one.thing.project].append(one)
    return {project: by_key(things, key) for project, things in grouped.items()}


def _participant(row: Row) -> Stored[ParticipantDoc]:
    person = ParticipantDoc(row["email"], row["name"], row["project"].lower())
    return Stored(row["contact_id"], person, row["archived"])


def _type(row: Row) -> Stored[TypeDoc]:
    sla, satisfaction = _json(row["sla"]), _json(row["satisfaction"])
    return Stored(
        row["id"],
        TypeDoc(
            key=row["key"],
            name=row["name"],
            prefix=row["prefix"],
            digits=row["digits"],
            statuses=tuple(_built(StatusDoc, one) for one in _json(row["statuses"])),
            elements=tuple(_element(one) for one in _json(row["elements"])),
            sla=_built(SlaDoc, sla) if sla else None,
            satisfaction=_satisfaction(satisfaction) if satisfaction else None,
            project=row["project"].lower(),
        ),
        row["archived"],
    )


def _element(stored: Mapping[str, Any]) -> ElementDoc:
    options = tuple(_built(OptionDoc, option) for option in stored.get("options") or ())
    return _built(ElementDoc, {**stored, "options": options})


def _satisfaction(stored: Mapping[str, Any]) -> SatisfactionDoc:
    answers = tuple(_built(SatisfactionAnswerDoc, answer) for answer in stored["answers"])
    return SatisfactionDoc(stored["text"], answers)


def _source(row: Row) -> Stored[SourceDoc]:
    columns = {one.name for one in fields(SourceDoc)} - {"default_submitter", "fields", "project", "at"}
    source = SourceDoc(
        **{name: row[name] for name in columns},
        default_submitter=row["submitter"],
        fields=tuple((element, parameter) for element, parameter in _json(row["fields"])),
        project=row["project"].lower(),
    )
    return Stored(row["id"], source, row["archived"])


def _built(kind: type[Thing], stored: Mapping[str, Any]) -> Thing:
    """A document's part from its stored JSON; members that a later version stored are left out."""
    known = {one.name for one in fields(kind)}  # type: ignore[arg-type]
    return kind(**{name: value for name, value in stored.items() if name in known})


def _json(text: str | None) -> Any:
    return None if text is None else msgspec.json.decode(text)
