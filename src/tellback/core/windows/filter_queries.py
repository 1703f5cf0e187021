"""Conditions as SQL: the same decision as `conditions.matches`, taken by the database where many records are read.

tests/core/test_windows.py holds the two together.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from tellback.core.conditions import Conditions

_NUMBER = re.compile(r"[+-]?[0-9]{1,30}(\.[0-9]{1,30})?", re.ASCII)
_NUMERIC: Final = r"'^[+-]?[0-9]{1,30}(\.[0-9]{1,30})?$'"
_FOLDED: Final = frozenset({"touchpoint", "page"})
_BOUNDS: Final = {"below": "<", "above": ">", "at_most": "<=", "at_least": ">="}
_EXTERNAL: Final = "external."

#: What stands for a name, folded where capitals do not count; `values` for all others.
_OF_TICKETS: Final[Mapping[str, tuple[str, bool]]] = {
    "project": ("(select to_jsonb(p.key) from projects p where p.workspace_id = t.workspace_id"
                " and p.id = t.project_id)", True),
    "type": ("(select to_jsonb(f.key) from feedback_types f where f.workspace_id = t.workspace_id"
             " and f.id = t.type_id)", True),
    "source": ("jsonb_build_array(t.channel, case t.channel when 'survey' then t.source_id::text"
               " when 'page' then (select g.key from pages g"
               " where g.workspace_id = t.workspace_id and g.id = t.source_id)"
               " when 'external_source' then (select s.key from external_sources s"
               " where s.workspace_id = t.workspace_id and s.id = t.source_id) end)", True),
    "status": ("to_jsonb(t.status)", False),
    "tag": ("to_jsonb(t.tags)", False),
    "submitter": ("(select jsonb_build_array(c.email, t.submitter_given) from contacts c"
                  " where c.workspace_id = t.workspace_id and c.id = t.submitter_id)", True),
}  # fmt: skip
_OF_PEOPLE: Final[Mapping[str, tuple[str, bool]]] = {"submitter": ("to_jsonb(t.email)", True)}


#: The same for words alone, in a way that an index can serve.
_WORDS_OF_TICKETS: Final[Mapping[str, str]] = {
    "project": "t.project_id = any(array(select p.id from projects p where p.workspace_id = $1"
               " and lower(p.key) = any({folded})))",
    "type": "t.type_id = any(array(select f.id from feedback_types f where f.workspace_id = $1"
            " and lower(f.key) = any({folded})))",
    "status": "t.status = any({plain})",
    "tag": "(t.tags <> '{{}}' and t.tags && {plain})",
}  # fmt: skip


class Where:
    """SQL conditions on a record `t`, with their parameters from number `first` on; $1 is the workspace."""

    def __init__(self, object: str, conditions: Conditions, first: int) -> None:
        self.arguments: list[Any] = []
        self._first = first
        self._members = _OF_TICKETS if object == "feedback" else _OF_PEOPLE
        self._words = _WORDS_OF_TICKETS if object == "feedback" else {}
        self.text = (
            " and ".join(self._condition(name, wanted) for name, wanted in conditions.items()) or "true"
        )

    def _place(self, value: Any, kind: str) -> str:
        self.arguments.append(value)
        return f"${self._first + len(self.arguments) - 1}::{kind}"

    def _condition(self, name: str, wanted: Any) -> str:
        several = wanted if isinstance(wanted, list | tuple) else [wanted]
        if name in self._words and all(isinstance(one, str) for one in several):
            return self._worded(self._words[name], several)
        items, folded = self._items(name)
        if isinstance(wanted, Mapping):
            return _any(items, self._within(wanted))
        given = [one for one in several if one is not None]
        either = [_any(items, self._folded(given) if folded else self._same(given))] if given else []
        if len(given) < len(several):
            either.append(f"not {_any(items, 'true')}")
        return f"({' or '.join(either) or 'false'})"

    def _worded(self, condition: str, words: Sequence[str]) -> str:
        if "{folded}" in condition:
            return condition.format(folded=self._place([one.lower() for one in words], "text[]"))
        return condition.format(plain=self._place(list(words), "text[]"))

    def _items(self, name: str) -> tuple[str, bool]:
        if name in self._members:
            return self._members[name]
        if name.startswith(_EXTERNAL):
            return self._captured(name.removeprefix(_EXTERNAL)), False
        return f't."values" -> {self._place(name, "text")}', name in _FOLDED

    def _captured(self, label: str) -> str:
        """Group and label may both hold dots, so each place where the name could divide is looked at."""
        parts = label.split(".")
        places = [
            f"t.external -> {self._place('.'.join(parts[:cut]), 'text')} -> "
            f"{self._place('.'.join(parts[cut:]), 'text')}"
            for cut in range(1, len(parts))
        ]
        return f"jsonb_build_array({', '.join(places)})" if places else "null::jsonb"

    def _folded(self, wanted: Sequence[Any]) -> str:
        words = [str(one).casefold() for one in wanted]
        return f"lower(i.item #>> '{{}}') = any({self._place(words, 'text[]')})"

    def _same(self, wanted: Sequence[Any]) -> str:
        texts = [one for one in wanted if isinstance(one, str)]
        truths = [one for one in wanted if isinstance(one, bool)]
        plain = [_decimal(one) for one in wanted if not isinstance(one, str | bool)]
        written = [Decimal(one) for one in texts if _NUMBER.fullmatch(one)]
        worded = [one.lower() == "true" for one in texts if one.lower() in ("true", "false")]
        numbers, all_numbers = self._place(plain, "numeric[]"), self._place(plain + written, "numeric[]")
        any_truth = self._place([str(one).lower() for one in truths + worded], "text[]")
        said_truth = self._place([str(one).lower() for one in truths], "text[]")
        text = "(i.item #>> '{}')"
        return (
            "case jsonb_typeof(i.item) "
            f"when 'boolean' then {text} = any({any_truth}) "
            f"when 'number' then {text}::numeric = any({all_numbers}) "
            f"when 'string' then {text} = any({self._place(texts, 'text[]')}) or lower({text}) = any({said_truth})"
            f" or case when {text} ~ {_NUMERIC} then {text}::numeric = any({numbers}) else false end "
            "else false end"
        )

    def _within(self, bounds: Mapping[str, Any]) -> str:
        number = "(i.item #>> '{}')::numeric"
        within = " and ".join(
            f"{number} {_BOUNDS[name]} {self._place(_decimal(bound), 'numeric')}"
            for name, bound in bounds.items()
            if bound is not None
        )
        numeric = (
            "jsonb_typeof(i.item) = 'number' or "
            f"(jsonb_typeof(i.item) = 'string' and (i.item #>> '{{}}') ~ {_NUMERIC})"
        )
        return f"case when {numeric} then {within or 'true'} else false end"


def _any(items: str, condition: str) -> str:
    """Whether one of a value's items, or the value itself where it is no list, fits; nulls never do."""
    return (
        f"exists (select 1 from (select {items} as found offset 0) v, lateral jsonb_array_elements("
        "case jsonb_typeof(v.found) when 'array' then v.found else jsonb_build_array(v.found) end) as i (item) "
        f"where jsonb_typeof(i.item) <> 'null' and ({condition}))"
    )


def _decimal(value: Any) -> Decimal:
    return Decimal(str(value))
