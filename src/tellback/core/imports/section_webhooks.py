"""Provisioning, section `incoming_webhooks`: addresses that take records of one configuration."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from tellback.core import form, form_values
from tellback.core.imports import section_configurations
from tellback.core.imports import section_queries as queries
from tellback.core.section import NewSecret, Scope, Section, Step, Stored, by_key, compare, in_use
from tellback.core.workspaces import rules
from tellback.core.workspaces import section_queries as credentials
from tellback.storage.database import Reader, Transaction

KIND: Final = "incoming_webhook"


@dataclass(frozen=True)
class WebhookDoc:
    """An incoming webhook as the document has it. Absent secrets stay as they are stored."""

    name: str
    username: str
    configuration: str
    token: Any = form.KEPT  # form_values.Given or KEPT
    password: Any = form.KEPT
    active: bool = True
    at: str = form.location()


@dataclass(frozen=True)
class Webhooks:
    """What is stored, the passwords' SHA-256 by name, and who in the hub holds the tokens that are given."""

    webhooks: Mapping[str, Stored[WebhookDoc]]
    passwords: Mapping[str, bytes]
    tokens: Mapping[bytes, credentials.Holder]


def _fit_for_an_address(webhook: WebhookDoc) -> Iterable[tuple[str, str]]:
    """The token is the last part of the webhook's address."""
    if webhook.token is not form.KEPT and any(sign in webhook.token.text for sign in "/?#%"):
        yield "token", "'/', '?', '#' and '%' may not stand in a token: it is part of an address"


FORM = form.Object(
    "incoming webhook",
    {
        "name": form.Member(form_values.Text()),
        "token": form.Member(form_values.Secret(), form.KEPT),
        "username": form.Member(form_values.Text("a user name")),
        "password": form.Member(form_values.Secret(free=True), form.KEPT),
        "configuration": form.Member(form_values.Text("a reference")),
        "active": form.optional(form_values.Truth(), True, told=True),
    },
    WebhookDoc,
    _fit_for_an_address,
)


def _name(webhook: WebhookDoc) -> str:
    return webhook.name


async def _load(reader: Reader, scope: Scope) -> Webhooks:
    rows = await queries.webhooks(reader, scope.workspace_id)
    given = [one.token.digest for one in scope.listed("incoming_webhooks") if one.token is not form.KEPT]
    return Webhooks(
        by_key(
            (
                Stored(
                    row["id"],
                    WebhookDoc(row["name"], row["username"], row["reference"], active=row["enabled"]),
                    row["archived"],
                    row["secret_hash"],
                )
                for row in rows
            ),
            _name,
        ),
        {row["name"]: row["password_hash"] for row in rows},
        await credentials.holders(reader, KIND, given),
    )


def _stored(scope: Scope) -> Webhooks:
    stored: Webhooks = scope.stored["incoming_webhooks"] if scope.stored else Webhooks({}, {}, {})
    return stored


def _show(stored: Webhooks, scope: Scope) -> Sequence[WebhookDoc]:
    return in_use(stored.webhooks)


def _check(scope: Scope) -> None:
    """A token may not be another webhook's, in the whole hub; a configuration must be there."""
    references = section_configurations.known_references(scope)
    tokens: set[bytes] = set()
    for one in scope.listed("incoming_webhooks"):
        if references is not None and one.configuration not in references:
            scope.fault(f"{one.at}.configuration", f"there is no import configuration {one.configuration!r}")
        if one.token is form.KEPT:
            continue
        if one.token.digest in tokens or _held_by_another(scope, one):
            scope.fault(f"{one.at}.token", "this token is in use already; every webhook needs its own")
        tokens.add(one.token.digest)


def _held_by_another(scope: Scope, one: WebhookDoc) -> bool:
    """Whether somebody else holds this token and goes on holding it after this run."""
    holder = _stored(scope).tokens.get(one.token.digest)
    if holder is None or (holder.workspace_id == scope.workspace_id and holder.name == one.name):
        return False
    if holder.workspace_id != scope.workspace_id:
        return True
    becomes = next((other for other in scope.listed("incoming_webhooks") if other.name == holder.name), None)
    if becomes is None:
        return not (holder.archived or scope.prune)
    return becomes.token is form.KEPT or bool(becomes.token.digest == one.token.digest)


def _plan(scope: Scope) -> Sequence[Step[WebhookDoc]]:
    stored = _stored(scope)

    def secrets(known: Stored[WebhookDoc], wanted: WebhookDoc) -> Iterable[form.MemberChange]:
        if wanted.token is not form.KEPT and wanted.token.digest != known.secret:
            yield form.MemberChange("token", None, None, secret=True)
        password = stored.passwords.get(wanted.name)
        if wanted.password is not form.KEPT and wanted.password.digest != password:
            yield form.MemberChange("password", None, None, secret=True)

    return compare(
        "incoming_webhooks", FORM, stored.webhooks, scope.listed("incoming_webhooks"), _name, _name,
        prune=scope.prune, leaving=("token", "password"), also=secrets,
    )  # fmt: skip


async def _store(tx: Transaction, scope: Scope, steps: Sequence[Step[WebhookDoc]]) -> None:
    given = [step.thing.token.digest for step in steps if step.thing and step.gives_new("token")]
    if given:
        await credentials.release_secrets(tx, scope.workspace_id, KIND, given)
    for step in steps:
        if step.thing is not None:
            await _put(tx, scope, step, step.thing)
        elif step.stored:
            await credentials.archive_credential(tx, scope.workspace_id, step.stored.id)


async def _put(tx: Transaction, scope: Scope, step: Step[WebhookDoc], webhook: WebhookDoc) -> None:
    digests: dict[str, bytes | None] = {}
    for member, prefix in (("token", "in"), ("password", "pw")):
        made = step.stored is None and getattr(webhook, member) is form.KEPT
        secret = form_values.Given(rules.new_secret(prefix)) if made else getattr(webhook, member)
        new = made or step.gives_new(member)
        digests[member] = secret.digest if new else None
        if new:
            shown = webhook.name if member == "token" else f"{webhook.name} {member}"
            scope.secrets.append(NewSecret("incoming_webhooks", shown, secret.text, made))
    known = step.stored.id if step.stored else None
    credential_id = await queries.put_webhook_credential(
        tx, scope.workspace_id, known, webhook.name, digests["token"], webhook.active
    )
    await queries.put_webhook(
        tx, scope.workspace_id, credential_id, webhook.username, digests["password"], webhook.configuration
    )


SECTION = Section("incoming_webhooks", form.ListOf(FORM, key="name"), _load, _show, _check, _plan, _store)
