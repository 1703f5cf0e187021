"""Provisioning automation: whether the names in conditions and actions are there, in this document or stored.

Where that cannot be known (a document checked without its hub, a section with faults), nothing is said.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from tellback.core import conditions
from tellback.core.automation.section_forms import Pairs
from tellback.core.projects import section_state as projects
from tellback.core.projects.section_model import TypeDoc
from tellback.core.section import Scope, Stored, in_use

_EXTERNAL: Final = "external."


@dataclass(frozen=True)
class KnownType:
    """A feedback type, and what may be named in it; None where a fault hides that."""

    key: str
    statuses: Sequence[str] | None = None
    elements: Sequence[str] | None = None


@dataclass(frozen=True)
class Names:
    """What there will be after the run; None where that is not known.

    `types` are feedback types by the lower-case keys of their project and their own; the others are lower-cased.
    """

    types: Mapping[tuple[str, str], KnownType] | None
    projects: Mapping[str, str] | None
    members: Mapping[str, str] | None
    surveys: Mapping[str, str] | None
    touchpoints: Mapping[str, str] | None
    webhooks: Mapping[str, str] | None


def names(scope: Scope) -> Names:
    """Everything that conditions and actions may name."""
    return Names(
        types=_types(scope),
        projects=_known(scope, "projects", lambda one: one.key, _stored_projects),
        members=_known(scope, "members", lambda one: one.email),
        surveys=_known(scope, "surveys", lambda one: str(one.id), lambda stored: stored.surveys),
        touchpoints=_known(scope, "touchpoints", lambda one: one.name),
        webhooks=_known(scope, "webhooks", lambda one: one.key, lambda stored: stored.things),
    )


def check_webhook(scope: Scope, at: str, key: str, names: Names) -> None:
    """`key`, standing at `at`, is a webhook."""
    _check(scope, at, key, names.webhooks, "webhook")


def check_conditions(scope: Scope, at: str, when: Pairs, names: Names) -> None:
    """Every name in `when`, standing at `at`, is there; elements and statuses in a type that `when` lets in."""
    wanted = dict(when)
    for name, known, noun in (
        ("project", names.projects, "project"),
        ("touchpoint", names.touchpoints, "touchpoint"),
        ("survey", names.surveys, "survey"),
    ):
        for text in _texts(wanted.get(name)):
            _check(scope, f"{at}.{name}", text, known, noun)
    if names.types is None:
        return
    inside = {key: type for key, type in names.types.items() if _fits(wanted.get("project"), key[0])}
    for text in _texts(wanted.get("type")):
        _check(scope, f"{at}.type", text, {type.key.lower(): type.key for type in inside.values()}, "type")
    fitting = [type for key, type in inside.items() if _fits(wanted.get("type"), key[1])]
    if not fitting:
        return  # that is a fault already
    for text in _texts(wanted.get("status")):
        _check_exact(scope, f"{at}.status", text, _statuses(fitting), "status")
    _check_names(scope, at, wanted, fitting)


def _check_names(scope: Scope, at: str, wanted: Mapping[str, Any], fitting: Sequence[KnownType]) -> None:
    elements = _elements(fitting)
    if elements is None:
        return
    for name in wanted:
        if name in conditions.NAMES or name in elements:
            continue
        if name.startswith(_EXTERNAL):
            if name.count(".") < 2 or not all(name.split(".")):
                scope.fault(f"{at}.{name}", "external.<group>.<label> is due here")
            continue
        scope.fault(
            f"{at}.{name}",
            f"there is no element {name!r}{_near(name, [*conditions.NAMES, *elements])}",
        )


def check_actions(scope: Scope, at: str, do: Sequence[Mapping[str, Any]], when: Pairs, names: Names) -> None:
    """Every name in the actions at `at` is there, as seen from a subject that fits `when`."""
    wanted = dict(when)
    fitting = [
        type
        for key, type in (names.types or {}).items()
        if _fits(wanted.get("project"), key[0]) and _fits(wanted.get("type"), key[1])
    ]
    for place, action in enumerate(do):
        here = f"{at}[{place}]"
        if action["webhook"]:
            check_webhook(scope, f"{here}.webhook", action["webhook"], names)
        if action["assign"]:
            _check(scope, f"{here}.assign", action["assign"], names.members, "member")
        if action["set_status"] and fitting:
            _check_exact(scope, f"{here}.set_status", action["set_status"], _statuses(fitting), "status")
        if action["set_field"] and fitting:
            field = action["set_field"]["field"]
            _check_exact(scope, f"{here}.set_field.field", field, _elements(fitting), "element")
        if action["create_ticket"]:
            _check_target(scope, f"{here}.create_ticket", action["create_ticket"], names)


def _check_target(scope: Scope, at: str, ticket: Mapping[str, Any], names: Names) -> None:
    _check(scope, f"{at}.project", ticket["project"], names.projects, "project")
    if names.types is not None and _folded(ticket["project"]) in {project for project, _ in names.types}:
        inside = {
            key: type.key
            for (project, key), type in names.types.items()
            if project == _folded(ticket["project"])
        }
        _check(scope, f"{at}.type", ticket["type"], inside, "type")


# --- what there will be -------------------------------------------------------------------------------------


def _known(
    scope: Scope,
    section: str,
    name: Callable[[Any], str],
    stored_in: Callable[[Any], Mapping[Any, Stored[Any]]] = lambda stored: stored,
) -> Mapping[str, str] | None:
    """The names of a section's things, by their lower-case selves."""
    left_out = scope.reading.left_out(section)
    if left_out is None:
        return None
    found = [*(name(one) for one in scope.listed(section)), *left_out]
    if not scope.prune:
        if scope.stored is None:
            return None
        found += [name(one) for one in in_use(stored_in(scope.stored[section]))]
    return {_folded(one): one for one in found}


def _stored_projects(stored: projects.Projects) -> Mapping[str, Stored[Any]]:
    return stored.projects


def _types(scope: Scope) -> Mapping[tuple[str, str], KnownType] | None:
    known = projects.known_types(scope)
    if known is None:
        return None
    return {key: _known_type(scope, key[1], type) for key, type in known.items()}


def _known_type(scope: Scope, key: str, type: TypeDoc | None) -> KnownType:
    if type is None:
        return KnownType(key)
    statuses = [status.name for status in type.statuses]
    elements = [element.key for element in type.elements]
    return KnownType(
        type.key,
        projects.with_left_out(scope, f"{type.at}.statuses", statuses),
        projects.with_left_out(scope, f"{type.at}.elements", elements),
    )


def _statuses(types: Iterable[KnownType]) -> Sequence[str] | None:
    return _all(type.statuses for type in types)


def _elements(types: Iterable[KnownType]) -> Sequence[str] | None:
    return _all(type.elements for type in types)


def _all(lists: Iterable[Sequence[str] | None]) -> Sequence[str] | None:
    """The names in any of the lists, each once; None where one is not known."""
    names: dict[str, None] = {}
    for one in lists:
        if one is None:
            return None
        names |= dict.fromkeys(one)
    return list(names)


# --- saying so ----------------------------------------------------------------------------------------------


def _check(scope: Scope, at: str, name: str, known: Mapping[str, str] | None, noun: str) -> None:
    if known is not None and _folded(name) not in known:
        scope.fault(at, f"there is no {noun} {name!r}{_near(name, list(known.values()))}")


def _check_exact(scope: Scope, at: str, name: str, known: Sequence[str] | None, noun: str) -> None:
    if known is not None and name not in known:
        scope.fault(at, f"there is no {noun} {name!r}{_near(name, known)}")


def _near(name: str, known: Sequence[str]) -> str:
    folded = {_folded(one): one for one in known}
    near = difflib.get_close_matches(_folded(name), folded, n=1, cutoff=0.6)
    return f"; did you mean {folded[near[0]]!r}?" if near else ""


def _texts(wanted: Any) -> list[str]:
    """The values of a condition that name things; none where it has bounds or is null."""
    values = wanted if isinstance(wanted, list | tuple) else [wanted]
    return [str(value) for value in values if value is not None and not isinstance(value, Mapping)]


def _fits(wanted: Any, key: str) -> bool:
    """Whether a condition lets a lower-case key in; without one, all are."""
    return wanted is None or key in {_folded(text) for text in _texts(wanted)}


def _folded(name: str) -> str:
    return name.lower()
