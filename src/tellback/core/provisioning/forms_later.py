"""Forms of the sections whose capability is not built yet: checked, and refused where they stand.

The capability that builds one takes its form along, makes a `Section` of it and removes it here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tellback.core import form
from tellback.core.automation.section_forms import ACTIONS, CONDITIONS
from tellback.core.form import Form, ListOf, MapOf, Member, Object, optional
from tellback.core.form_values import (
    Choice,
    Duration,
    Json,
    Secret,
    Text,
    Truth,
    Whole,
    key,
)

_NAME = Text()
_KEY = key()
_FREE = Text(free=True)
_LONG = Text(most=65_535, free=True)
_URL = Text("a URL", most=4_096)
_SCALAR = form.Either(scalar=Json())
_SCORE = Whole(-1_000_000, 1_000_000)

RETURN_VALUE = Object(
    "return value",
    {
        "group": Member(_KEY),
        "label": Member(_KEY),
        "parameter": Member(Text("a JSONPath or dotted path", most=1_000)),
        "type": Member(Choice(("boolean", "datetime", "integer", "string"))),
    },
)
WEBHOOK = Object(
    "webhook",
    {
        "key": Member(_KEY),
        "method": Member(Choice(("GET", "POST", "PUT", "PATCH", "DELETE"))),
        "url": Member(_URL),
        "headers": optional(
            MapOf(_NAME, form.Either(scalar=Text(most=8_192), entries=Secret(most=8_192, free=True))), ()
        ),
        "basic_auth": optional(
            Object("basic authentication", {"username": Member(_NAME), "password": Member(Secret(free=True))})
        ),
        "signing_secret": optional(Secret()),
        "body": optional(_LONG),
        "return_values": optional(ListOf(RETURN_VALUE), ()),
        "ordered": optional(Truth(), True),
    },
)

EVENTS = (
    "ticket.created", "ticket.changed", "ticket.status", "ticket.answered", "response.recorded",
    "rating.received", "session.completed", "value.captured", "schedule",
)  # fmt: skip
RULE = Object(
    "rule",
    {
        "key": Member(_KEY),
        "on": Member(Choice(EVENTS)),
        "every": optional(Duration()),
        "when": optional(CONDITIONS, ()),
        "do": Member(ACTIONS),
        "once": optional(Truth(), False),
    },
)
SUBSCRIPTION = Object(
    "subscription",
    {
        "key": Member(_KEY),
        "url": Member(_URL),
        "events": Member(ListOf(_NAME, least=1)),
        "when": optional(CONDITIONS, ()),
        "secret": Member(Secret(), form.KEPT),
        "secrets": optional(ListOf(Secret(), least=1, most=2)),
    },
)

#: By name, in the order of the document.
LATER: Final[Mapping[str, Form]] = {
    "webhooks": ListOf(WEBHOOK, key="key"),
    "rules": ListOf(RULE, key="key"),
    "subscriptions": ListOf(SUBSCRIPTION, key="key"),
}
