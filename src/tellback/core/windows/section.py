"""Provisioning, sections `listeners`, `record_lookups` and `data_packages`: what outside systems may do and see."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, cast

import msgspec

from tellback.core import conditions, form
from tellback.core.automation import section_checks, section_documents, section_forms
from tellback.core.form import ListOf, Member, optional
from tellback.core.form_values import Choice, Text, Whole, key
from tellback.core.projects import section_state as projects
from tellback.core.section import Scope, Section, Step, Stored, by_key, compare, in_use
from tellback.core.windows import fields
from tellback.core.windows import section_queries as queries
from tellback.core.windows.model import DataPackage, Definition, Kind, Listener, Object, RecordLookup
from tellback.core.windows.queries import DEFINITIONS
from tellback.core.workspaces import section_api_keys
from tellback.core.workspaces import section_queries as workspace_queries
from tellback.storage.database import Reader, Row, Transaction


@dataclass(frozen=True)
class WindowDoc:
    """A listener, record lookup or data package as the document has it; each kind has some of the members."""

    key: str
    object: Object
    api_key: str
    project: str | None = None
    filter: section_forms.Pairs = ()
    kind: str | None = None
    do: section_forms.ActionDocs = ()
    group: str | None = None
    fields: tuple[str, ...] = ()
    page_size: int = 100
    at: str = form.location()


def _built(at: str, **members: Any) -> WindowDoc:
    return WindowDoc(at=at, **members | {"filter": section_forms.in_order(members["filter"])})


def _listener_rules(one: WindowDoc) -> Iterator[tuple[str, str]]:
    """A listener has what its kind needs and nothing else."""
    if one.object == "project":
        yield "object", "a listener works on feedback or user"
    if (one.kind == "macro") != bool(one.do):
        yield (
            "do",
            "a macro needs actions" if one.kind == "macro" else f"a {one.kind} listener has no actions",
        )
    if (one.kind == "data") != (one.group is not None):
        yield (
            "group",
            "a data listener needs a group" if one.kind == "data" else "only a data listener has one",
        )
    yield from _texts(one)
    if one.object != "user":
        return
    for place, action in enumerate(one.do):
        verb = next(name for name, argument in action.items() if argument is not None)
        if verb not in ("webhook", "create_ticket"):
            yield f"do[{place}].{verb}", f"{verb} works on feedback only"


def _texts(one: WindowDoc) -> Iterator[tuple[str, str]]:
    yield from section_documents.bounds_faults(one.filter, "filter")
    yield from section_documents.texts_faults(one.do, "do")


def _lookup_rules(one: WindowDoc) -> Iterator[tuple[str, str]]:
    if one.object == "project":
        yield "object", "a record lookup shows feedback or user"
    yield from _texts(one)


# Listeners, lookups and packages share where they look and who may ask.
_WINDOW: Mapping[str, Member] = {
    "key": Member(key()),
    "object": Member(Choice(("feedback", "user", "project"))),
    "project": optional(key()),
    "api_key": Member(Text()),
    "filter": optional(section_forms.CONDITIONS, ()),
}
_FIELDS = Member(ListOf(Text(), least=1, most=200))
LISTENER = form.Object(
    "listener",
    {
        **_WINDOW,
        "kind": Member(Choice(("macro", "comment", "data"))),
        "do": optional(section_forms.ACTIONS, ()),
        "group": optional(key()),
    },
    _built,
    _listener_rules,
)
RECORD_LOOKUP = form.Object("record lookup", {**_WINDOW, "fields": _FIELDS}, _built, _lookup_rules)
DATA_PACKAGE = form.Object(
    "data package",
    {**_WINDOW, "fields": _FIELDS, "page_size": optional(Whole(1, 1_000), 100)},
    _built,
    _texts,
)


def _key(window: WindowDoc) -> str:
    return window.key.lower()


def _label(window: WindowDoc) -> str:
    return window.key


def _definition(kind: Kind, one: WindowDoc) -> Definition:
    filter = section_forms.conditions(one.filter)
    if kind == "listener":
        do = section_forms.actions(one.do)
        return Listener(one.key, one.object, cast(Any, one.kind), filter, do, one.group)
    if kind == "record_lookup":
        return RecordLookup(one.key, one.object, one.fields, filter)
    return DataPackage(one.key, one.object, one.fields, filter, one.page_size)


def _doc(kind: Kind, row: Row) -> WindowDoc:
    stored = msgspec.json.decode(row["definition"], type=DEFINITIONS[kind])
    filter = section_forms.pairs(stored.filter)
    doc = WindowDoc(row["key"], stored.object, row["api_key"], row["project"], filter)
    if isinstance(stored, Listener):
        do = section_forms.action_docs(stored.do)
        return replace(doc, kind=stored.kind, do=do, group=stored.group)
    if isinstance(stored, RecordLookup):
        return replace(doc, fields=stored.fields)
    return replace(doc, fields=stored.fields, page_size=stored.page_size)


async def _load(kind: Kind, reader: Reader, scope: Scope) -> Mapping[str, Stored[WindowDoc]]:
    rows = await queries.windows(reader, scope.workspace_id, kind)
    return by_key((Stored(row["id"], _doc(kind, row), row["archived"]) for row in rows), _key)


def _show(stored: Mapping[str, Stored[WindowDoc]], scope: Scope) -> Sequence[WindowDoc]:
    return in_use(stored)


def _check(name: str, scope: Scope) -> None:
    keys, known = section_api_keys.known_names(scope), projects.known_keys(scope)
    names = section_checks.names(scope)
    for one in scope.listed(name):
        if keys is not None and one.api_key not in keys:
            scope.fault(f"{one.at}.api_key", f"there is no API key {one.api_key!r}")
        if one.project is not None and known is not None and one.project.lower() not in known:
            scope.fault(f"{one.at}.project", f"there is no project {one.project!r}")
            continue
        elements = projects.known_elements(scope, one.project)
        for place, field in enumerate(one.fields):
            if elements is not None and fields.field(one.object, field, elements, {}) is None:
                scope.fault(f"{one.at}.fields[{place}]", f"there is no field {field!r}{_near(one, elements)}")
        for condition, _ in one.filter:
            fault = _condition_fault(one, condition, elements)
            if fault:
                scope.fault(f"{one.at}.filter.{condition}", fault)
        when = _seen(one)
        if one.object == "feedback":
            section_checks.check_conditions(scope, f"{one.at}.filter", when, names)
        section_checks.check_actions(scope, f"{one.at}.do", one.do, when, names)


def _seen(one: WindowDoc) -> section_forms.Pairs:
    """What must hold of what is seen through a window: its project is a condition, too."""
    if one.project is None or "project" in dict(one.filter):
        return one.filter
    return section_forms.in_order([*one.filter, ("project", one.project)])


def _near(one: WindowDoc, elements: Iterable[str]) -> str:
    names = [*fields.members(one.object), *(elements if one.object == "feedback" else ())]
    more = {"feedback": ", external.<group>.<label>", "user": ", segments.<name>, external.<group>.<label>"}
    return f"; {one.object} has {', '.join(names)}{more.get(one.object, '')}"


def _condition_fault(one: WindowDoc, condition: str, elements: Iterable[str] | None) -> str | None:
    """What is wrong with a condition that no record of this kind can fit; elements are looked at elsewhere."""
    captured = condition.startswith("external.") and condition.count(".") > 1
    if one.object == "feedback":
        foreign = condition in conditions.NAMES and condition not in _OF_TICKETS
        never = foreign and elements is not None and condition not in elements
        return f"no ticket has a {condition}" if never else None
    if one.object == "user":
        fine = captured or condition == "submitter"
        return None if fine else "people are told apart by submitter and external.<group>.<label> alone"
    return "projects are not filtered; name one by `project`"


#: The conditions that tickets can be told apart by, beside their elements.
_OF_TICKETS = frozenset({"project", "type", "source", "status", "tag", "submitter"})


def _plan(name: str, written: form.Object, scope: Scope) -> Sequence[Step[WindowDoc]]:
    stored: Mapping[str, Stored[WindowDoc]] = scope.stored[name] if scope.stored else {}

    def elsewhere(known: Stored[WindowDoc], wanted: WindowDoc) -> Iterable[form.MemberChange]:
        before, after = known.thing.project, wanted.project
        if (before and before.lower()) != (after and after.lower()):
            yield form.MemberChange("project", before, after)

    return compare(
        name, written, stored, scope.listed(name), _key, _label,
        prune=scope.prune, leaving=("project",), also=elsewhere,
    )  # fmt: skip


async def _store(kind: Kind, tx: Transaction, scope: Scope, steps: Sequence[Step[WindowDoc]]) -> None:
    keys = await workspace_queries.credential_ids(tx, scope.workspace_id, "api_key") if steps else {}
    for step in steps:
        one = step.thing
        if one is None:
            if step.stored:
                await queries.archive_window(tx, scope.workspace_id, step.stored.id)
            continue
        await queries.put_window(
            tx,
            scope.workspace_id,
            step.stored.id if step.stored else None,
            kind,
            one.key,
            one.project,
            keys[one.api_key],
            msgspec.json.encode(_definition(kind, one)).decode(),
        )


def _section(name: str, kind: Kind, written: form.Object) -> Section:
    return Section(
        name,
        ListOf(written, key="key", fold=True),
        partial(_load, kind),
        _show,
        partial(_check, name),
        partial(_plan, name, written),
        partial(_store, kind),
    )


LISTENERS = _section("listeners", "listener", LISTENER)
RECORD_LOOKUPS = _section("record_lookups", "record_lookup", RECORD_LOOKUP)
DATA_PACKAGES = _section("data_packages", "data_package", DATA_PACKAGE)
