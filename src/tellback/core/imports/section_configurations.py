"""Provisioning, section `import_configurations`: which heading of a record is which property."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from tellback.core import form, form_values
from tellback.core.imports import mapping
from tellback.core.imports import section_queries as queries
from tellback.core.section import Scope, Section, Step, Stored, by_key, compare, in_use
from tellback.storage.database import Reader, Transaction


@dataclass(frozen=True)
class ConfigurationDoc:
    """An import configuration as the document has it; `fields` are pairs of heading and property."""

    reference: str
    object: str
    fields: tuple[tuple[str, str], ...]
    name: str = ""
    active: bool = True
    unmapped: str = "ignore"
    at: str = form.location()


def _built(at: str, **members: str) -> ConfigurationDoc:
    return ConfigurationDoc(at=at, **members | {"name": members["name"] or members["reference"]})  # type: ignore[arg-type]


def _faults(configuration: ConfigurationDoc) -> Iterable[tuple[str, str]]:
    for heading, fault in mapping.faults(configuration.object, configuration.fields):
        yield f"fields.{heading}" if heading else "fields", fault


FORM = form.Object(
    "import configuration",
    {
        "reference": form.Member(form_values.Text("a reference")),
        "name": form.optional(form_values.Text()),
        "object": form.Member(form_values.Choice(mapping.OBJECTS)),
        "active": form.optional(form_values.Truth(), True, told=True),
        "unmapped": form.optional(form_values.Choice(("ignore", "reject")), "ignore", told=True),
        "fields": form.Member(
            form.MapOf(
                form_values.Text(free=True), form_values.Text("a property such as contact.email"), least=1
            )
        ),
    },
    _built,
    _faults,
)


def _reference(configuration: ConfigurationDoc) -> str:
    return configuration.reference


def of(scope: Scope) -> Mapping[str, Stored[ConfigurationDoc]]:
    """What is stored, by reference."""
    stored: Mapping[str, Stored[ConfigurationDoc]] = (
        scope.stored["import_configurations"] if scope.stored else {}
    )
    return stored


def known_references(scope: Scope) -> frozenset[str] | None:
    """The references there will be; None where that cannot be known."""
    left_out = scope.reading.left_out("import_configurations")
    if left_out is None:
        return None
    named = {one.reference for one in scope.listed("import_configurations")} | left_out
    if scope.prune:
        return frozenset(named)
    if scope.stored is None:
        return None
    return frozenset(named | {one.reference for one in in_use(of(scope))})


async def _load(reader: Reader, scope: Scope) -> Mapping[str, Stored[ConfigurationDoc]]:
    rows = await queries.configurations(reader, scope.workspace_id)
    return by_key(
        (
            Stored(
                row["id"],
                ConfigurationDoc(
                    reference=row["reference"],
                    object=row["object"],
                    fields=tuple((heading, name) for heading, name in msgspec.json.decode(row["fields"])),
                    name=row["name"],
                    active=row["active"],
                    unmapped=row["unmapped"],
                ),
                row["archived"],
            )
            for row in rows
        ),
        _reference,
    )


def _show(stored: Mapping[str, Stored[ConfigurationDoc]], scope: Scope) -> Sequence[ConfigurationDoc]:
    return in_use(stored)


def _check(scope: Scope) -> None:
    """The form sees everything: a mapping names properties, and those are the hub's own."""


def _plan(scope: Scope) -> Sequence[Step[ConfigurationDoc]]:
    return compare(
        "import_configurations", FORM, of(scope), scope.listed("import_configurations"),
        _reference, _reference, prune=scope.prune,
    )  # fmt: skip


async def _store(tx: Transaction, scope: Scope, steps: Sequence[Step[ConfigurationDoc]]) -> None:
    for step in steps:
        if step.thing is None and step.stored:
            await queries.archive_configuration(tx, scope.workspace_id, step.stored.id)
        elif step.thing is not None:
            one = step.thing
            await queries.put_configuration(
                tx, scope.workspace_id, one.reference, one.name, one.object, one.active, one.unmapped,
                one.fields,
            )  # fmt: skip


SECTION = Section(
    "import_configurations", form.ListOf(FORM, key="reference"), _load, _show, _check, _plan, _store
)
