"""Verbs on records: finding the mapping, and storing what records say, many at once."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from tellback.core import changes, errors, intake, people, responses
from tellback.core.cache import ConfigurationCache
from tellback.core.imports import mapping as mappings
from tellback.core.imports import queries, telling
from tellback.core.imports.model import Mapped, NewRecord, Stored, Webhook
from tellback.core.imports.telling import Told
from tellback.core.people import GivenAccount
from tellback.core.workspaces import rules as credentials
from tellback.storage.database import Database, Transaction


async def find(
    db: Database, configuration: ConfigurationCache, workspace_id: int, reference: str
) -> Mapped | None:
    """The compiled mapping of that reference, inactive ones too."""

    async def load() -> Mapped | None:
        async with db.reading() as reader:
            found = await queries.configuration(reader, workspace_id, reference)
        return mappings.compiled(found) if found is not None else None

    return await configuration.get(("import configuration", workspace_id, reference), load)


async def find_webhook(db: Database, configuration: ConfigurationCache, token: str) -> Webhook | None:
    """The incoming webhook at that address, disabled ones too. Found by the token's SHA-256."""
    digest = credentials.secret_hash(token)

    async def load() -> Webhook | None:
        async with db.reading() as reader:
            return await queries.webhook(reader, digest)

    return await configuration.get(("incoming webhook", digest), load)


def opens(webhook: Webhook, username: str, password: str) -> bool:
    """Whether these are the webhook's own. Compared in constant time."""
    digest = credentials.secret_hash(password)
    right = hmac.compare_digest(webhook.username.encode(), username.encode("utf-8", "surrogatepass"))
    return hmac.compare_digest(webhook.password_hash, digest) and right


async def store(
    tx: Transaction, records: Sequence[NewRecord], entries: Sequence[intake.NewEntry] = ()
) -> list[Stored | errors.HubError]:
    """Store what records say, with their log entries where there are any; one outcome for each, in order.

    An account, a contact and a response that one record names are stored together or not at all. `Invalid`
    is for an alias that is another account's.
    """
    told = [Told(one) for one in records]
    outcomes: list[Stored | errors.HubError | None] = [None] * len(records)
    for workspace_id in sorted({one.workspace_id for one in told}):
        mine = [place for place, one in enumerate(told) if one.workspace_id == workspace_id]
        await _accounts(tx, workspace_id, [told[place] for place in mine])
        for place in mine:
            wanted = told[place].new.record.account
            if wanted is not None and told[place].account is None:
                outcomes[place] = telling.alias_taken(told[place].new.mapping)
        await _contacts(tx, workspace_id, [told[place] for place in mine if outcomes[place] is None])
    taken = [place for place, outcome in enumerate(outcomes) if outcome is None]
    stored = await _responses(
        tx, [told[place] for place in taken], [entries[place] for place in taken] if entries else ()
    )
    for place, one in zip(taken, stored, strict=True):
        outcomes[place] = one
    await _tell(tx, [(told[place], one) for place, one in zip(taken, stored, strict=True)])
    return [one for one in outcomes if one is not None]


async def _accounts(tx: Transaction, workspace_id: int, told: Sequence[Told]) -> None:
    """The accounts that records name. An account stays None where its alias is another's."""
    named = [(one, given) for one in told if (given := one.new.record.account) is not None]
    known = await people.learn_accounts(tx, workspace_id, [given for _, given in named])
    for (one, _), account in zip(named, known, strict=True):
        one.account = account
    owned: list[tuple[Told, GivenAccount]] = [
        (one, given)
        for one in told
        if (given := one.new.record.belongs_to) is not None
        and (one.account is not None or one.new.record.account is None)
    ]
    known = await people.learn_accounts(tx, workspace_id, [given for _, given in owned])
    for (one, _), account in zip(owned, known, strict=True):
        one.owner = account


async def _contacts(tx: Transaction, workspace_id: int, told: Sequence[Told]) -> None:
    """The contacts that records name, and the copy of segments that their responses keep."""
    named = [
        (one, telling.person(one, given)) for one in told if (given := one.new.record.contact) is not None
    ]
    known = await people.know_many(tx, workspace_id, [given for _, given in named])
    for (one, _), contact in zip(named, known, strict=True):
        one.contact = contact
        one.account_id = one.account.id if one.account else contact.account_id
    others = {one.account_id for one, _ in named if one.account is None and one.account_id is not None}
    segments = await people.queries.account_segments(tx, workspace_id, sorted(others)) if others else {}
    for one, _ in named:
        copies = {"contact": one.contact.segments} if one.contact and one.contact.segments else {}
        theirs = one.account.segments if one.account else segments.get(one.account_id or 0)
        one.segments = copies | ({"account": theirs} if theirs else {})


async def _responses(
    tx: Transaction, told: Sequence[Told], entries: Sequence[intake.NewEntry]
) -> list[Stored]:
    """What each record became, with its log entry; responses are made here."""
    answered = [place for place, one in enumerate(told) if one.new.record.response is not None]
    logged = (
        [
            replace(entry, submitter=one.contact.note) if one.contact and one.contact.note else entry
            for one, entry in zip(told, entries, strict=True)
        ]
        if entries
        else []
    )
    ids: dict[int, int] = {}
    if answered:
        made = await responses.queries.record_many(
            tx,
            [telling.response(told[place]) for place in answered],
            [logged[place] for place in answered] if logged else (),
        )
        ids = dict(zip(answered, made, strict=True))
    outcomes = [telling.stored(one, ids.get(place)) for place, one in enumerate(told)]
    others = [
        replace(logged[place], created_type=one.type, created_id=str(one.id))
        for place, one in enumerate(outcomes)
        if logged and place not in ids
    ]
    if others:
        await intake.queries.record(tx, others)
    return outcomes


async def _tell(tx: Transaction, told: Sequence[tuple[Told, Stored]]) -> None:
    """The feed, last, as it holds each workspace's lock; workspaces in one order everywhere."""
    for workspace_id in sorted({one.workspace_id for one, _ in told}):
        mine = [(one, stored) for one, stored in told if one.workspace_id == workspace_id]
        news: list[changes.NewChange] = []
        for actor in dict.fromkeys(one.new.actor for one, _ in mine):
            by = [one for one, _ in mine if one.new.actor == actor]
            accounts = [account for one in by for account in (one.account, one.owner) if account]
            news += people.news_of([one.contact for one in by if one.contact], accounts, actor)
        news += [
            changes.NewChange(
                "response.recorded",
                "response",
                str(stored.id),
                one.new.actor,
                _recorded(one),
                origin={"hop": one.new.hops} if one.new.hops else None,
            )
            for one, stored in mine
            if stored.type == "response"
        ]
        if news:
            await changes.record(tx, workspace_id, news)


def _recorded(one: Told) -> dict[str, Any]:
    score = (one.new.record.response or {}).get("score")
    number = None if score is None else responses.rules.number(score)
    return {
        "survey": None, "kind": None if score is None else "nps", "score": number, "complete": True,
        "channel": one.new.channel,
    }  # fmt: skip
