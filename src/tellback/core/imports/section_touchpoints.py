"""Provisioning, section `touchpoints`: where customers are met; a record may name no other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tellback.core import form, form_values
from tellback.core.imports import section_queries as queries
from tellback.core.section import Scope, Section, Step, Stored, by_key, compare, in_use
from tellback.storage.database import Reader, Transaction


@dataclass(frozen=True)
class TouchpointDoc:
    """A touchpoint as the document has it."""

    name: str
    at: str = form.location()


FULL = form.Object("touchpoint", {"name": form.Member(form_values.Text())}, TouchpointDoc)
FORM = form.ListOf(form.Short(FULL, "name"), key="name", fold=True)


def _key(touchpoint: TouchpointDoc) -> str:
    return touchpoint.name.lower()


def _name(touchpoint: TouchpointDoc) -> str:
    return touchpoint.name


async def _load(reader: Reader, scope: Scope) -> Mapping[str, Stored[TouchpointDoc]]:
    rows = await queries.touchpoints(reader, scope.workspace_id)
    return by_key((Stored(row["id"], TouchpointDoc(row["name"]), row["archived"]) for row in rows), _key)


def _show(stored: Mapping[str, Stored[TouchpointDoc]], scope: Scope) -> Sequence[TouchpointDoc]:
    return in_use(stored)


def _check(scope: Scope) -> None:
    """The form sees everything: no other section names touchpoints."""


def _plan(scope: Scope) -> Sequence[Step[TouchpointDoc]]:
    stored: Mapping[str, Stored[TouchpointDoc]] = scope.stored["touchpoints"] if scope.stored else {}
    return compare("touchpoints", FULL, stored, scope.listed("touchpoints"), _key, _name, prune=scope.prune)


async def _store(tx: Transaction, scope: Scope, steps: Sequence[Step[TouchpointDoc]]) -> None:
    for step in steps:
        if step.thing is None and step.stored:
            await queries.archive_touchpoint(tx, scope.workspace_id, step.stored.id)
        elif step.thing is not None:
            known = step.stored.id if step.stored else None
            await queries.put_touchpoint(tx, scope.workspace_id, known, step.thing.name)


SECTION = Section("touchpoints", FORM, _load, _show, _check, _plan, _store)
