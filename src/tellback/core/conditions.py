"""Whether a document fits conditions: the `when` of rules and subscriptions, the `filter` of windows.

A document is a ticket, response, rating or session as the hub's API shows it. Keys, addresses, touchpoints and
channels count without regard to case, as everywhere in the hub; statuses, tags, answers and captured values to
the letter.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

_NUMBER = re.compile(r"[+-]?[0-9]{1,30}(\.[0-9]{1,30})?", re.ASCII)
_EXTERNAL: Final = "external."

#: What must hold: a member's exact value, a list of which it must be one, or bounds ({"below": 7}).
Conditions = Mapping[str, Any]
Document = Mapping[str, Any]

_BOUNDS: Final[Mapping[str, Callable[[int | float, int | float], bool]]] = {
    "below": lambda value, bound: value < bound,
    "above": lambda value, bound: value > bound,
    "at_most": lambda value, bound: value <= bound,
    "at_least": lambda value, bound: value >= bound,
}


def matches(conditions: Conditions, document: Document, more: Document | None = None) -> bool:
    """Whether every condition holds; none at all always do.

    `more` are members that the document itself does not have, by the names that conditions use (`project` of
    an event about a person, say). A list in the document (tags, a multiple choice) fits when one of its
    items does; a condition that is a list fits when one of its values does.
    """
    return all(_holds(name, wanted, document, more or {}) for name, wanted in conditions.items())


def _holds(name: str, wanted: Any, document: Document, more: Document) -> bool:
    there = [item for value in _values(name, document, more) for item in _items(value)]
    if isinstance(wanted, Mapping):
        return any(_within(value, wanted) for value in there)
    same = _same_word if name in _FOLDED else _same
    return any(
        (one is None and not there) or any(same(value, one) for value in there) for one in _items(wanted)
    )


def _items(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list | tuple) else (value,)


# --- what a name stands for ---------------------------------------------------------------------------------


def _values(name: str, document: Document, more: Document) -> list[Any]:
    """What the document holds under a condition's name, without nulls."""
    if name.startswith(_EXTERNAL):
        found = list(_captured(name.removeprefix(_EXTERNAL), document))
    elif name in _MEMBERS:
        found = list(_MEMBERS[name](document))
        # A form may well have an element called `rating` or `source`; what the document is about comes first.
        found = found or [_inside(document, "values", name)]
    else:
        found = [_inside(document, "values", name)]
    there = [value for value in found if value is not None]
    return there or ([more[name]] if more.get(name) is not None else [])


def _inside(document: Document, *path: str) -> Any:
    value: Any = document
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _at(*paths: str) -> Callable[[Document], Iterator[Any]]:
    """Reads the members at dotted paths; those that are not there are left out."""

    def read(document: Document) -> Iterator[Any]:
        for path in paths:
            value = _inside(document, *path.split("."))
            if value is not None and not isinstance(value, Mapping):
                yield value

    return read


def _captured(name: str, document: Document) -> Iterator[Any]:
    """Values captured as `<group>.<label>`; both may hold dots."""
    external = _inside(document, "external")
    for group, values in external.items() if isinstance(external, Mapping) else ():
        for label, value in values.items() if isinstance(values, Mapping) else ():
            if name == f"{group}.{label}":
                yield value


#: The names that are no elements, and where they stand in a ticket, response, rating or session.
_MEMBERS: Final[Mapping[str, Callable[[Document], Iterator[Any]]]] = {
    "project": _at("project"),
    "type": _at("type"),
    "source": _at("source.key", "source.channel"),
    "status": _at("status"),
    "tag": _at("tags"),
    "submitter": _at("submitter.email", "submitter.given", "contact.email", "respondent.email"),
    "touchpoint": _at("touchpoint"),
    "survey": _at("survey"),
    "page": _at("page"),
    "score": _at("score"),
    "rating": _at("rating"),
}
_FOLDED: Final = frozenset({"project", "type", "source", "submitter", "touchpoint", "page"})

#: What conditions may name beside elements and `external.<group>.<label>`.
NAMES: Final = tuple(_MEMBERS)


# --- when two values are the same ---------------------------------------------------------------------------


def _same_word(value: Any, wanted: Any) -> bool:
    return wanted is not None and str(value).casefold() == str(wanted).casefold()


def _same(value: Any, wanted: Any) -> bool:
    """Numbers by value, also those that are written as text; truths with truths; everything else by letter."""
    if isinstance(value, bool) or isinstance(wanted, bool):
        return _truth(value) is not None and _truth(value) == _truth(wanted)
    if isinstance(value, str) and isinstance(wanted, str):
        return value == wanted
    one, other = _number(value), _number(wanted)
    return one is not None and one == other


def _truth(value: Any) -> bool | None:
    if isinstance(value, bool):
        return value
    return {"true": True, "false": False}.get(value.lower()) if isinstance(value, str) else None


def _number(value: Any) -> int | float | None:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        return float(value) if "." in value else int(value)
    return None


def _within(value: Any, bounds: Mapping[str, Any]) -> bool:
    number = _number(value)
    return number is not None and all(
        _BOUNDS[name](number, bound) for name, bound in bounds.items() if bound is not None
    )
