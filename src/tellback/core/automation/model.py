"""Automation: what happens by itself when something happened, and who outside may look in and write back.

These are stored as JSON in the `definition` of their row; secrets stand beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from tellback.core import errors

#: Of a return value's parameter.
LONGEST_PATH: Final = 512

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
ValueType = Literal["boolean", "datetime", "integer", "string"]
Object = Literal["feedback", "user", "project"]

#: What must hold: a member's exact value, a list of which it must be one, or bounds ({"below": 7}).
Conditions = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ReturnValue:
    """A value to pick from a 2xx answer: `parameter` is a JSONPath (RFC 9535) or a dotted path."""

    group: str
    label: str
    parameter: str
    type: ValueType


@dataclass(frozen=True, slots=True)
class Header:
    """A header of an outgoing call. A secret one is never shown, and is no template."""

    name: str
    value: str = field(repr=False)
    secret: bool = False


@dataclass(frozen=True, slots=True)
class BasicAuth:
    username: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Webhook:
    """An outgoing call. `url`, the values of headers that are no secret, and `body` are Liquid templates."""

    key: str
    method: Method
    url: str
    headers: tuple[Header, ...] = ()
    basic_auth: BasicAuth | None = None
    body: str | None = None
    return_values: tuple[ReturnValue, ...] = ()
    ordered: bool = True


@dataclass(frozen=True, slots=True)
class Subscription:
    """Who is told of which events, as Standard Webhooks."""

    key: str
    url: str
    events: tuple[str, ...]
    when: Conditions = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Action:
    """One thing a rule does: `verb` is the name in the configuration, `argument` what stands behind it."""

    verb: Literal[
        "webhook", "set_status", "set_field", "add_tag", "assign", "add_note", "create_ticket"
    ]  # fmt: skip
    argument: Any


@dataclass(frozen=True, slots=True)
class Rule:
    """What to do (`do`, in order) on an event that fits `when`; `every` is seconds, of a schedule."""

    key: str
    on: str
    when: Conditions
    do: tuple[Action, ...]
    every: int | None = None
    once: bool = False


@dataclass(frozen=True, slots=True)
class Listener:
    """What an outside system may do to a ticket or a person."""

    key: str
    object: Object
    kind: Literal["macro", "comment", "data"]
    filter: Conditions = field(default_factory=dict)
    do: tuple[Action, ...] = ()
    group: str | None = None


@dataclass(frozen=True, slots=True)
class RecordLookup:
    """One record, with the fields chosen here."""

    key: str
    object: Object
    fields: tuple[str, ...]
    filter: Conditions = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DataPackage:
    """Many records in pages, with the fields chosen here."""

    key: str
    object: Object
    fields: tuple[str, ...]
    filter: Conditions = field(default_factory=dict)
    page_size: int = 100


class TemplateFault(errors.HubError):
    """A template that cannot be read or rendered; `line` counts from 1 where it is known."""

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(f"line {line}: {message}" if line else message)
        self.line = line
