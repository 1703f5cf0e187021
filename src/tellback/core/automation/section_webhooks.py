"""Provisioning, section `webhooks`: outgoing calls, and which statuses send them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import msgspec

from tellback.core import form, form_values
from tellback.core.automation import section_checks as checks
from tellback.core.automation import section_destinations as destinations
from tellback.core.automation import section_documents as documents
from tellback.core.automation import section_queries as queries
from tellback.core.automation.section_documents import BasicDoc, ReturnDoc, WebhookDoc
from tellback.core.deliveries import requests
from tellback.core.deliveries.definitions import BasicAuth, Header, Method, ReturnValue, ValueType, Webhook
from tellback.core.section import NewSecret, Scope, Section, Step, Stored, by_key, compare, in_use
from tellback.storage.database import Reader, Transaction


@dataclass(frozen=True)
class Webhooks:
    """What is stored; the definitions and signing secrets by lower-case key."""

    things: Mapping[str, Stored[WebhookDoc]]
    definitions: Mapping[str, Webhook]
    secrets: Mapping[str, tuple[str, ...]]


def _key(webhook: WebhookDoc) -> str:
    return webhook.key.lower()


def _label(webhook: WebhookDoc) -> str:
    return webhook.key


async def _load(reader: Reader, scope: Scope) -> Webhooks:
    rows = await queries.destinations(reader, scope.workspace_id, "webhook")
    definitions = [msgspec.json.decode(row["definition"], type=Webhook) for row in rows]
    things = [
        Stored(row["id"], _document(one), row["archived"]) for row, one in zip(rows, definitions, strict=True)
    ]
    return Webhooks(
        by_key(things, _key),
        {one.key.lower(): one for one in definitions},
        {row["key"].lower(): tuple(row["secrets"]) for row in rows},
    )


def _document(webhook: Webhook) -> WebhookDoc:
    """A stored webhook as a document that leaves its secrets out."""
    return WebhookDoc(
        key=webhook.key,
        method=webhook.method,
        url=webhook.url,
        headers=tuple((one.name, one.value) for one in webhook.headers if not one.secret),
        basic_auth=BasicDoc(webhook.basic_auth.username) if webhook.basic_auth else None,
        body=webhook.body,
        return_values=tuple(
            ReturnDoc(one.group, one.label, one.parameter, one.type) for one in webhook.return_values
        ),
        ordered=webhook.ordered,
    )


def _stored(scope: Scope) -> Webhooks:
    stored: Webhooks = scope.stored["webhooks"] if scope.stored else Webhooks({}, {}, {})
    return stored


def _show(stored: Webhooks, scope: Scope) -> Sequence[WebhookDoc]:
    return in_use(stored.things)


def _check(scope: Scope) -> None:
    """New secrets are given, and statuses name webhooks that are there."""
    definitions = _stored(scope).definitions
    for webhook in scope.listed("webhooks") if scope.stored is not None else ():
        known = definitions.get(_key(webhook))
        had = known.basic_auth if known else None
        if webhook.basic_auth and webhook.basic_auth.password is form.KEPT and had is None:
            scope.fault(f"{webhook.at}.basic_auth.password", "is required: none is stored yet")
    names = checks.names(scope)
    for project in scope.listed("projects"):
        for type in project.feedback_types:
            for status in type.statuses:
                if status.webhook is not None:
                    checks.check_webhook(scope, f"{status.at}.webhook", status.webhook, names)


def _plan(scope: Scope) -> Sequence[Step[WebhookDoc]]:
    stored = _stored(scope)

    def others(known: Stored[WebhookDoc], wanted: WebhookDoc) -> Iterable[form.MemberChange]:
        before = stored.definitions[_key(wanted)]
        yield from _header_changes(before.headers, _headers(wanted, before))
        yield from _basic_changes(before.basic_auth, _basic(wanted, before))
        secrets = destinations.signing(wanted.signing_secret, wanted.signing_secrets)
        yield from secrets.change(stored.secrets[_key(wanted)], "signing_secret")

    return compare(
        "webhooks", documents.WEBHOOK, stored.things, scope.listed("webhooks"), _key, _label,
        prune=scope.prune, leaving=("headers", "basic_auth", "signing_secret", "signing_secrets"), also=others,
    )  # fmt: skip


def _header_changes(before: Sequence[Header], after: Sequence[Header]) -> Iterable[form.MemberChange]:
    """Plain headers by their values; of secret ones only that they differ."""
    plain = [{one.name: one.value for one in headers if not one.secret} for headers in (before, after)]
    if plain[0] != plain[1]:
        yield form.MemberChange("headers", plain[0], plain[1])
    secret = [{one.name.lower(): one.value for one in headers if one.secret} for headers in (before, after)]
    for name in dict.fromkeys([*secret[0], *secret[1]]):
        if secret[0].get(name) != secret[1].get(name):
            yield form.MemberChange(f"headers.{name}", None, None, secret=True)


def _basic_changes(before: BasicAuth | None, after: BasicAuth | None) -> Iterable[form.MemberChange]:
    names = [one.username if one else None for one in (before, after)]
    if names[0] != names[1]:
        yield form.MemberChange("basic_auth.username", names[0], names[1])
    if after and (before is None or before.password != after.password):
        yield form.MemberChange("basic_auth.password", None, None, secret=True)


async def _store(tx: Transaction, scope: Scope, steps: Sequence[Step[WebhookDoc]]) -> None:
    for step in steps:
        if step.thing is not None:
            await _put(tx, scope, step.thing, step.stored.id if step.stored else None)
        elif step.stored:
            await queries.archive_destination(tx, scope.workspace_id, step.stored.id)


async def _put(tx: Transaction, scope: Scope, wanted: WebhookDoc, known: int | None) -> None:
    stored, key = _stored(scope), _key(wanted)
    before, had = stored.definitions.get(key), stored.secrets.get(key, ())
    definition = _definition(wanted, before)
    secrets = destinations.signing(wanted.signing_secret, wanted.signing_secrets).kept(had)
    await destinations.put(
        tx, scope, "webhook", known, wanted.key, msgspec.json.encode(definition).decode(), secrets,
        requests.moved(before.url, wanted.url) if before else None,
    )  # fmt: skip
    destinations.tell(scope, "webhooks", wanted.key, had, secrets, made=False)
    old = {one.name.lower(): one.value for one in before.headers} if before else {}
    for header in definition.headers:
        if header.secret and old.get(header.name.lower()) != header.value:
            scope.secrets.append(
                NewSecret("webhooks", f"{wanted.key} {header.name}", header.value, made=False)
            )
    basic, was = definition.basic_auth, before.basic_auth if before else None
    if basic and (was is None or was.password != basic.password):
        scope.secrets.append(NewSecret("webhooks", f"{wanted.key} password", basic.password, made=False))


def _definition(wanted: WebhookDoc, before: Webhook | None) -> Webhook:
    return Webhook(
        key=wanted.key,
        method=cast(Method, wanted.method),
        url=wanted.url,
        headers=_headers(wanted, before),
        basic_auth=_basic(wanted, before),
        body=wanted.body,
        return_values=tuple(
            ReturnValue(one.group, one.label, one.parameter, cast(ValueType, one.type))
            for one in wanted.return_values
        ),
        ordered=wanted.ordered,
    )


def _headers(wanted: WebhookDoc, before: Webhook | None) -> tuple[Header, ...]:
    """The headers there will be: those of the document, and the secret ones that it does not name.

    An empty text takes a header away, secret or not.
    """
    named = {name.lower() for name, _ in wanted.headers}
    stored = {one.name.lower(): one for one in before.headers if one.secret} if before else {}
    headers = [one for name, one in stored.items() if name not in named]
    for name, value in wanted.headers:
        if isinstance(value, form_values.Given):
            headers.append(Header(name, value.text, secret=True))
        elif value is form.KEPT and name.lower() in stored:
            headers.append(stored[name.lower()])
        elif isinstance(value, str) and value:
            headers.append(Header(name, value))
    return tuple(headers)


def _basic(wanted: WebhookDoc, before: Webhook | None) -> BasicAuth | None:
    basic: Any = wanted.basic_auth
    if basic is None:
        return None
    if isinstance(basic.password, form_values.Given):
        return BasicAuth(basic.username, basic.password.text)
    kept = before.basic_auth if before else None
    return BasicAuth(basic.username, kept.password if kept else "")


SECTION = Section(
    "webhooks", form.ListOf(documents.WEBHOOK, key="key", fold=True, most=10_000),
    _load, _show, _check, _plan, _store,
)  # fmt: skip
