"""Provisioning, section `subscriptions`: who is told of which events."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from tellback.core import form
from tellback.core.automation import section_checks as checks
from tellback.core.automation import section_destinations as destinations
from tellback.core.automation import section_documents as documents
from tellback.core.automation import section_forms as forms
from tellback.core.automation import section_queries as queries
from tellback.core.automation.section_documents import SubscriptionDoc
from tellback.core.deliveries import requests
from tellback.core.deliveries.definitions import Subscription
from tellback.core.section import Scope, Section, Step, Stored, by_key, compare, in_use
from tellback.storage.database import Reader, Transaction


@dataclass(frozen=True)
class Subscriptions:
    """What is stored, and the signing secrets by lower-case key."""

    things: Mapping[str, Stored[SubscriptionDoc]]
    secrets: Mapping[str, tuple[str, ...]]


def _key(subscription: SubscriptionDoc) -> str:
    return subscription.key.lower()


def _label(subscription: SubscriptionDoc) -> str:
    return subscription.key


async def _load(reader: Reader, scope: Scope) -> Subscriptions:
    rows = await queries.destinations(reader, scope.workspace_id, "subscription")
    return Subscriptions(
        by_key(
            (
                Stored(
                    row["id"],
                    _document(msgspec.json.decode(row["definition"], type=Subscription)),
                    row["archived"],
                )
                for row in rows
            ),
            _key,
        ),
        {row["key"].lower(): tuple(row["secrets"]) for row in rows},
    )


def _document(one: Subscription) -> SubscriptionDoc:
    return SubscriptionDoc(one.key, one.url, one.events, forms.pairs(one.when))


def _stored(scope: Scope) -> Subscriptions:
    stored: Subscriptions = scope.stored["subscriptions"] if scope.stored else Subscriptions({}, {})
    return stored


def _show(stored: Subscriptions, scope: Scope) -> Sequence[SubscriptionDoc]:
    return in_use(stored.things)


def _check(scope: Scope) -> None:
    names = checks.names(scope)
    for one in scope.listed("subscriptions"):
        checks.check_conditions(scope, f"{one.at}.when", one.when, names)


def _plan(scope: Scope) -> Sequence[Step[SubscriptionDoc]]:
    stored = _stored(scope)

    def secrets(known: Stored[SubscriptionDoc], wanted: SubscriptionDoc) -> Iterable[form.MemberChange]:
        given = destinations.signing(wanted.secret, wanted.secrets)
        return given.change(stored.secrets[_key(wanted)], "secret")

    return compare(
        "subscriptions", documents.SUBSCRIPTION, stored.things, scope.listed("subscriptions"), _key, _label,
        prune=scope.prune, leaving=("secret", "secrets"), also=secrets,
    )  # fmt: skip


async def _store(tx: Transaction, scope: Scope, steps: Sequence[Step[SubscriptionDoc]]) -> None:
    for step in steps:
        if step.thing is not None:
            await _put(tx, scope, step.thing, step.stored.id if step.stored else None)
        elif step.stored:
            await queries.archive_destination(tx, scope.workspace_id, step.stored.id)
    await queries.mark_automated(tx, scope.workspace_id)  # of the sections that say so, this is the last


async def _put(tx: Transaction, scope: Scope, wanted: SubscriptionDoc, known: int | None) -> None:
    had = _stored(scope).secrets.get(_key(wanted), ())
    given = destinations.signing(wanted.secret, wanted.secrets).kept(had)
    secrets = given or (destinations.new_secret(),)
    definition = Subscription(wanted.key, wanted.url, wanted.events, forms.conditions(wanted.when))
    before = _stored(scope).things.get(_key(wanted))
    await destinations.put(
        tx, scope, "subscription", known, wanted.key, msgspec.json.encode(definition).decode(), secrets,
        requests.moved(before.thing.url, wanted.url) if before else None,
    )  # fmt: skip
    destinations.tell(scope, "subscriptions", wanted.key, had, secrets, made=not given)


SECTION = Section(
    "subscriptions", form.ListOf(documents.SUBSCRIPTION, key="key", fold=True, most=10_000),
    _load, _show, _check, _plan, _store,
)  # fmt: skip
