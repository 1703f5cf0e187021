"""Query parameters: sparse fieldsets (JSON:API 1.1, "Sparse Fieldsets"), and no others."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from tellback.dialects.cention.errors import BadParameters

_FIELDS = re.compile(r"fields\[([^\[\]]+)\]")


def wanted(query: Sequence[tuple[str, str]], type: str, known: Sequence[str]) -> Collection[str]:
    """Which of the attributes `known` of a type are asked for; all of them where nothing is said.

    `fields` of other types mean nothing here. Raises `BadParameters` for an attribute the type has not, and for
    every parameter that is none of `fields[…]`.
    """
    asked: set[str] | None = None
    wrong: list[tuple[str, str]] = []
    for name, value in query:
        found = _FIELDS.fullmatch(name)
        if found is None:
            wrong.append((name, f"There is no query parameter {name[:100]!r} here; there is fields[{type}]."))
        elif found[1] == type:
            named = value.split(",") if value else []
            asked = (asked or set()).union(named)
            wrong += [
                (name, f"{type} has no attribute {one[:100]!r}; it has {', '.join(known) or 'none'}.")
                for one in named
                if one not in known
            ]
    if wrong:
        raise BadParameters(wrong)
    return known if asked is None else asked
