"""What a destination may be: a webhook or a subscription, as its `definition` holds it; secrets stand beside it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal

from tellback.core.conditions import Conditions

#: Of a return value's parameter.
LONGEST_PATH: Final = 512

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
ValueType = Literal["boolean", "datetime", "integer", "string"]


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
