"""Provisioning: what webhooks, rules and subscriptions may be."""

from __future__ import annotations

import base64
import binascii
import importlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, get_args

from tellback import logs
from tellback.core import form, form_values, templates
from tellback.core.automation import section_forms
from tellback.core.automation.section_forms import ACTIONS, CONDITIONS, ActionDocs, Pairs
from tellback.core.changes import Kind
from tellback.core.deliveries import addresses, requests
from tellback.core.deliveries.definitions import LONGEST_PATH, Header, Webhook
from tellback.core.form import ListOf, MapOf, Member, Object, optional

Problems = Iterator[tuple[str, str]]

METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE")
VALUE_TYPES: Final = ("boolean", "datetime", "integer", "string")
ON: Final = (
    "ticket.created", "ticket.changed", "ticket.status", "ticket.answered", "response.recorded",
    "rating.received", "session.completed", "value.captured", "schedule",
)  # fmt: skip
#: What some of these are about; the others are about tickets, `value.captured` at times.
_NOT_OF_TICKETS: Final = {
    "response.recorded": "a response", "rating.received": "a rating", "session.completed": "a session",
}  # fmt: skip
_TICKETS_ALONE: Final = ("set_status", "set_field", "add_tag", "assign", "add_note")
#: What the feed can tell, and so what can be subscribed to.
KINDS: Final[tuple[str, ...]] = get_args(Kind)

_NAME = form_values.Text()
_KEY = form_values.key()
_URL = form_values.Text("a URL", most=addresses.LONGEST_URL)


# --- webhooks -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ReturnDoc:
    """A value to pick from an answer."""

    group: str
    label: str
    parameter: str
    type: str
    at: str = form.location()


@dataclass(frozen=True)
class BasicDoc:
    """Basic authentication. An absent password stays as it is stored."""

    username: str
    password: Any = form.KEPT  # form_values.Given or KEPT
    at: str = form.location()


@dataclass(frozen=True)
class WebhookDoc:
    """A webhook as the document has it. Absent secrets, secret headers among them, stay as they are stored."""

    key: str
    method: str
    url: str
    headers: tuple[tuple[str, Any], ...] = ()  # str; form_values.Given or KEPT where it is secret
    basic_auth: BasicDoc | None = None
    signing_secret: Any = form.KEPT
    signing_secrets: tuple[Any, ...] | None = None
    body: str | None = None
    return_values: tuple[ReturnDoc, ...] = ()
    ordered: bool = True
    at: str = form.location()


def _built_webhook(at: str, headers: tuple[tuple[str, Any], ...], **members: Any) -> WebhookDoc:
    """A webhook whose credentials count as secrets, also where the file has them as plain texts."""
    return WebhookDoc(
        at=at, headers=tuple((name, _hidden(name, value)) for name, value in headers), **members
    )


def _hidden(name: str, value: Any) -> Any:
    """The value of a header as a secret where its name says so; texts with tags are templates and stay so."""
    is_plain = isinstance(value, str) and value and "{{" not in value and "{%" not in value
    return form_values.Given(value) if is_plain and logs.names_a_secret(name) else value


def _return_value(value: ReturnDoc) -> Problems:
    # Not at the top: most starts need no paths.
    problem = importlib.import_module("tellback.core.deliveries.paths").fault(value.parameter)
    if problem:
        yield "parameter", problem


def _basic(basic: BasicDoc) -> Problems:
    if ":" in basic.username:
        yield "username", "a colon may not stand in it (RFC 7617, section 2)"


def _webhook(webhook: WebhookDoc) -> Problems:
    headers = tuple(
        Header(name, value if isinstance(value, str) else _text(value), not isinstance(value, str))
        for name, value in webhook.headers
    )
    yield from requests.faults(Webhook(webhook.key, "GET", webhook.url, headers, body=webhook.body))
    names = [name.lower() for name, _ in webhook.headers]
    for place, (name, _) in enumerate(webhook.headers):
        if name.lower() in names[:place]:
            yield f"headers.{name}", "is here twice; capitals make no difference"
    seen: set[tuple[str, str]] = set()
    for place, value in enumerate(webhook.return_values):
        if (value.group, value.label) in seen:
            yield f"return_values[{place}].label", f"{value.group}.{value.label} is here twice"
        seen.add((value.group, value.label))
    yield from _secrets(webhook.signing_secret, webhook.signing_secrets, "signing_secret")


def _text(secret: Any) -> str:
    """A secret's text; empty while it is not read."""
    return secret.text if isinstance(secret, form_values.Given) else ""


def _secrets(one: Any, several: tuple[Any, ...] | None, member: str) -> Problems:
    """What is wrong with signing secrets."""
    if several is not None and one is not form.KEPT:
        yield f"{member}s", f"it and {member} exclude each other"
    given = [(member, one), *((f"{member}s[{place}]", each) for place, each in enumerate(several or ()))]
    for where, secret in given:
        if isinstance(secret, form_values.Given) and not is_signing_secret(secret.text):
            yield where, "whsec_ and the base64 of 24 to 64 bytes are due here"
    texts = [_text(secret) for secret in several or () if _text(secret)]
    if len(set(texts)) < len(texts):
        yield f"{member}s", "a new and an old secret are due, not one twice"


def is_signing_secret(text: str) -> bool:
    """Whether a secret has the form of Standard Webhooks 1.0.0 (symmetric): 24 to 64 bytes after `whsec_`."""
    try:
        key = base64.b64decode(text.removeprefix("whsec_"), validate=True)
    except (binascii.Error, ValueError):
        return False
    return text.startswith("whsec_") and 24 <= len(key) <= 64


RETURN_VALUE = Object(
    "return value",
    {
        "group": Member(_KEY),
        "label": Member(_KEY),
        "parameter": Member(form_values.Text("a JSONPath or dotted path", most=LONGEST_PATH)),
        "type": Member(form_values.Choice(VALUE_TYPES)),
    },
    ReturnDoc,
    _return_value,
)
BASIC = Object(
    "basic authentication",
    {"username": Member(_NAME), "password": Member(form_values.Secret(free=True), form.KEPT)},
    BasicDoc,
    _basic,
)
_HEADER = form.Either(
    scalar=form_values.Text(most=8_192, free=True, least=0),
    entries=form_values.Secret(most=8_192, free=True),
)
WEBHOOK = Object(
    "webhook",
    {
        "key": Member(_KEY),
        "method": Member(form_values.Choice(METHODS)),
        "url": Member(_URL),
        "headers": optional(MapOf(_NAME, _HEADER), ()),
        "basic_auth": optional(BASIC),
        "signing_secret": Member(form_values.Secret(), form.KEPT),
        "signing_secrets": optional(ListOf(form_values.Secret(), least=1, most=2)),
        "body": optional(form_values.Text(most=65_535, free=True)),
        "return_values": optional(ListOf(RETURN_VALUE, most=100), ()),
        "ordered": optional(form_values.Truth(), True, told=True),
    },
    _built_webhook,
    _webhook,
)


# --- rules and subscriptions --------------------------------------------------------------------------------


@dataclass(frozen=True)
class RuleDoc:
    """A rule as the document has it; `every` in seconds."""

    key: str
    on: str
    do: ActionDocs
    every: int | None = None
    when: Pairs = ()
    once: bool = False
    at: str = form.location()


@dataclass(frozen=True)
class SubscriptionDoc:
    """A subscription as the document has it. Absent secrets stay as they are stored."""

    key: str
    url: str
    events: tuple[str, ...]
    when: Pairs = ()
    secret: Any = form.KEPT
    secrets: tuple[Any, ...] | None = None
    at: str = form.location()


def _built_rule(at: str, **members: Any) -> RuleDoc:
    rule = RuleDoc(at=at, **members)
    return replace(rule, when=section_forms.in_order(rule.when))


def _built_subscription(at: str, **members: Any) -> SubscriptionDoc:
    subscription = SubscriptionDoc(at=at, **members)
    return replace(subscription, when=section_forms.in_order(subscription.when))


def _rule(rule: RuleDoc) -> Problems:
    if rule.on == "schedule" and rule.every is None:
        yield "every", "is required of a schedule"
    if rule.on != "schedule" and rule.every is not None:
        yield "every", "belongs to a schedule alone"
    yield from bounds_faults(rule.when, "when")
    yield from texts_faults(rule.do, "do")
    for place, action in enumerate(rule.do) if rule.on in _NOT_OF_TICKETS else ():
        for verb in _TICKETS_ALONE:
            if action[verb] is not None:
                yield (
                    f"do[{place}].{verb}",
                    f"works on tickets, and {rule.on} is about {_NOT_OF_TICKETS[rule.on]}",
                )


def _subscription(subscription: SubscriptionDoc) -> Problems:
    problem = addresses.url_fault(subscription.url)
    if problem:
        yield "url", problem
    if len(set(subscription.events)) < len(subscription.events):
        yield "events", "one is here twice"
    yield from bounds_faults(subscription.when, "when")
    yield from _secrets(subscription.secret, subscription.secrets, "secret")


def bounds_faults(when: Pairs, member: str) -> Problems:
    """Bounds that bound nothing."""
    for name, wanted in when:
        if isinstance(wanted, Mapping) and all(bound is None for bound in wanted.values()):
            yield f"{member}.{name}", "below, above, at_most or at_least is due"


def texts_faults(do: ActionDocs, member: str) -> Problems:
    """What is wrong with the texts of actions that hold tags."""
    for place, action in enumerate(do):
        texts = {"add_note": action["add_note"]}
        ticket = action["create_ticket"] or {}
        texts |= {f"create_ticket.{name}": ticket.get(name) for name in ("subject", "body")}
        for where, text in texts.items():
            for problem in templates.text_faults(text) if text else ():
                yield f"{member}[{place}].{where}", problem


RULE = Object(
    "rule",
    {
        "key": Member(_KEY),
        "on": Member(form_values.Choice(ON)),
        "every": optional(form_values.Duration()),
        "when": optional(CONDITIONS, ()),
        "do": Member(ACTIONS),
        "once": optional(form_values.Truth(), False),
    },
    _built_rule,
    _rule,
)
SUBSCRIPTION = Object(
    "subscription",
    {
        "key": Member(_KEY),
        "url": Member(_URL),
        "events": Member(ListOf(form_values.Choice(KINDS), least=1)),
        "when": optional(CONDITIONS, ()),
        "secret": Member(form_values.Secret(), form.KEPT),
        "secrets": optional(ListOf(form_values.Secret(), least=1, most=2)),
    },
    _built_subscription,
    _subscription,
)
