"""A section of the configuration: the part of the document that one capability reads, compares and stores.

A capability makes one `Section` of plain functions and `provisioning.sections` lists it; that is all there is
to plugging one in. Nothing is stored before every section has checked the whole document.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeVar

from tellback.core import form
from tellback.core.actor import OPERATOR, Actor
from tellback.storage.database import Reader, Transaction

Thing = TypeVar("Thing")

#: No workspace has this id, so what is read under it is empty: the workspace is yet to be made.
NO_WORKSPACE = 0

Verb = Literal["created", "changed", "archived", "restored"]


@dataclass(frozen=True)
class Change:
    """One thing that differs. `path` names it by keys: `projects.beta.feedback_types.bugs`."""

    path: str
    verb: Verb
    members: tuple[form.MemberChange, ...] = ()

    def __str__(self) -> str:
        said = f"{self.verb} {self.path}"
        return f"{said} ({'; '.join(str(member) for member in self.members)})" if self.members else said

    def as_json(self) -> dict[str, Any]:
        """{"path", "change", "members": {name: {"old", "new"}}}; secret members are {"secret": true}."""
        members = {
            one.member: {"secret": True} if one.secret else {"old": one.old, "new": one.new}
            for one in self.members
        }
        return {"path": self.path, "change": self.verb} | ({"members": members} if members else {})


@dataclass(frozen=True)
class Stored(Generic[Thing]):
    """A thing as it is stored, archived ones too. `secret` is what is kept of its secret, if it has one."""

    id: int
    thing: Thing
    archived: bool = False
    secret: bytes | str | None = None


@dataclass(frozen=True)
class Step(Generic[Thing]):
    """One thing to store: `thing` as the document has it (None: to be archived), `stored` as it is now."""

    change: Change
    thing: Thing | None
    stored: Stored[Thing] | None

    def gives_new(self, member: str) -> bool:
        """Whether the document gives a secret, as this member, that is not stored."""
        if self.thing is None or getattr(self.thing, member) is form.KEPT:
            return False
        return self.stored is None or any(one.member == member for one in self.change.members)


@dataclass(frozen=True)
class NewSecret:
    """A secret that this run made (`made`) or was given; to be shown once and never stored."""

    section: str
    name: str
    value: str = field(repr=False)
    made: bool


@dataclass
class Scope:
    """What the sections of one run share.

    `document` holds the value of every section that the document mentions, partial where it has faults;
    `stored` what each section loaded, None while no database was asked.
    """

    reading: form.Reading
    document: Mapping[str, Any]
    stored: Mapping[str, Any] | None = None
    prune: bool = False
    workspace_id: int = NO_WORKSPACE
    slug: str = ""
    timezone: str = "UTC"
    actor: Actor = OPERATOR
    secrets: list[NewSecret] = field(default_factory=list)
    feed: list[Any] = field(default_factory=list)  # changes.NewChange, written as the last thing of the run

    def listed(self, section: str) -> Sequence[Any]:
        """The things that the document has in a section that is a list."""
        return self.document.get(section) or ()

    def fault(self, path: str, message: str) -> None:
        self.reading.fault(path, message)


@dataclass(frozen=True)
class Section:
    """One section, as functions. `Any` is whatever the capability's own form builds.

    form      what the section may hold
    load      everything stored of it in the scope's workspace, archived things too
    show      what `load` gave, as the form would have read it; None when there is nothing
    check     notes faults that the form alone cannot see, no I/O; without a database (`scope.stored` is None)
              it looks at the document only
    plan      how the document differs from what is stored, as steps; no I/O, and it may take long (passwords)
    store     carries the steps out
    """

    name: str
    form: form.Form
    load: Callable[[Reader, Scope], Awaitable[Any]]
    show: Callable[[Any, Scope], Any]
    check: Callable[[Scope], None]
    plan: Callable[[Scope], Sequence[Step[Any]]]
    store: Callable[[Transaction, Scope, Sequence[Step[Any]]], Awaitable[None]]
    required: bool = False


def compare(
    path: str,
    written: form.Object,
    stored: Mapping[str, Stored[Thing]],
    wanted: Sequence[Thing],
    key: Callable[[Thing], str],
    label: Callable[[Thing], str],
    *,
    prune: bool,
    leaving: Collection[str] = (),
    also: Callable[[Stored[Thing], Thing], Iterable[form.MemberChange]] | None = None,
) -> list[Step[Thing]]:
    """The steps from `stored` to `wanted`, both told apart by `key`; `label` names a thing in its path.

    What is stored and not wanted stays, or is archived where the run prunes. `leaving` names members that are
    not compared by their form; `also` finds what else differs.
    """
    steps: list[Step[Thing]] = []
    seen: set[str] = set()
    for thing in wanted:
        name = key(thing)
        seen.add(name)
        at = f"{path}.{label(thing)}"
        known = stored.get(name)
        if known is None:
            steps.append(Step(Change(at, "created"), thing, None))
            continue
        members = form.differences(written, known.thing, thing, leaving)
        members += tuple(also(known, thing)) if also else ()
        if members or known.archived:
            steps.append(Step(Change(at, "restored" if known.archived else "changed", members), thing, known))
    for name, known in stored.items():
        if prune and name not in seen and not known.archived:
            steps.append(Step(Change(f"{path}.{label(known.thing)}", "archived"), None, known))
    return steps


def in_use(stored: Mapping[str, Stored[Thing]]) -> list[Thing]:
    """The things that are not archived, in the order they were made."""
    return [one.thing for one in stored.values() if not one.archived]


def by_key(stored: Iterable[Stored[Thing]], key: Callable[[Thing], str]) -> dict[str, Stored[Thing]]:
    """Stored things by what tells them apart."""
    return {key(one.thing): one for one in stored}


def replaced(thing: Thing, **members: Any) -> Thing:
    """`dataclasses.replace` for a thing of a type that is only known as a variable."""
    return dataclasses.replace(thing, **members)  # type: ignore[type-var]
