"""Forms that the sections of automation share: conditions, and what rules and listeners do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from tellback.core import form
from tellback.core.automation.model import Action
from tellback.core.conditions import Conditions
from tellback.core.form import ListOf, MapOf, Member, Object, optional
from tellback.core.form_values import Email, Json, Number, Text, key

_NAME = Text()
_LONG = Text(most=65_535, free=True)
_SCALAR = form.Either(scalar=Json())

TICKET_TARGET = {"project": Member(key()), "type": Member(key())}

# What a rule, a subscription or a filter looks at: exact words, one of several, or bounds of a number.
BOUNDS = Object(
    "bounds",
    {name: optional(Number()) for name in ("below", "above", "at_most", "at_least")},
)
CONDITIONS = MapOf(_NAME, form.Either(scalar=Json(), items=ListOf(_SCALAR, least=1), entries=BOUNDS))

ACTION = Object(
    "action",
    {
        "webhook": optional(key()),
        "set_status": optional(_NAME),
        "set_field": optional(Object("field", {"field": Member(key()), "value": Member(Json())})),
        "add_tag": optional(_NAME),
        "assign": optional(Email()),
        "add_note": optional(_LONG),
        "create_ticket": optional(
            Object("ticket", {**TICKET_TARGET, "subject": Member(_LONG), "body": optional(_LONG)})
        ),
    },
    rules=lambda action: (
        [] if sum(v is not None for v in action.values()) == 1 else [("", "one action an item")]
    ),
)
ACTIONS = ListOf(ACTION, least=1, most=100)

#: Conditions and actions as their forms build them.
Pairs = tuple[tuple[str, Any], ...]
ActionDocs = tuple[Mapping[str, Any], ...]


def conditions(pairs: Iterable[tuple[str, Any]]) -> Conditions:
    """Conditions as they are stored: bounds that are not given are left out."""
    return {name: _bounds(value) if isinstance(value, Mapping) else value for name, value in pairs}


def _bounds(value: Mapping[str, Any]) -> dict[str, Any]:
    return {name: bound for name, bound in value.items() if bound is not None}


def pairs(stored: Conditions) -> Pairs:
    """Stored conditions as the form builds them."""
    return in_order((name, _as_built(value)) for name, value in stored.items())


def _as_built(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: value.get(name) for name in BOUNDS.members}
    return tuple(value) if isinstance(value, list) else value


def in_order(given: Iterable[tuple[str, Any]]) -> Pairs:
    """Conditions by name: their order means nothing, and the database does not keep it."""
    return tuple(sorted(given, key=lambda pair: pair[0]))


def actions(docs: Sequence[Mapping[str, Any]]) -> tuple[Action, ...]:
    """Actions as they are stored."""
    return tuple(
        Action(cast(Any, verb), argument)
        for doc in docs
        for verb, argument in doc.items()
        if argument is not None
    )


def action_docs(stored: Iterable[Action]) -> ActionDocs:
    """Stored actions as the form builds them."""
    return tuple(
        {name: _argument(action) if name == action.verb else None for name in ACTION.members}
        for action in stored
    )


def _argument(action: Action) -> Any:
    if action.verb == "create_ticket":
        return {"body": None, **action.argument}
    return action.argument
