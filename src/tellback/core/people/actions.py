"""Verbs on people: knowing who is meant, and making those who are new."""

from __future__ import annotations

from collections.abc import Sequence

from tellback.core import changes
from tellback.core.people import queries
from tellback.core.people.model import Given, Known, KnownAccount
from tellback.core.people.rules import Directory, Draft, account_key, email_key, phone_key
from tellback.storage.database import Transaction
from tellback.storage.savepoint import again_when_taken


async def know_many(tx: Transaction, workspace_id: int, given: Sequence[Given]) -> list[Known]:
    """The contacts that are meant, found or made, with what is said of them stored; one for each, in order.

    Two who make the same contact at the same time get one. The feed rows are the caller's to write
    (`news_of`), as the last thing of the transaction.
    """
    if not given:
        return []
    return await again_when_taken(tx, lambda inner: _know(inner, workspace_id, given))


async def know_accounts(tx: Transaction, workspace_id: int, names: Sequence[str]) -> dict[str, KnownAccount]:
    """The accounts that names (or aliases) stand for, found or made, by `account_key`. The first spelling stays."""
    if not names:
        return {}
    unique = {account_key(name): name.strip() for name in reversed(names)}
    made = await queries.make_accounts(tx, workspace_id, unique)
    found = await queries.accounts_named(tx, workspace_id, list(unique))
    return {key: KnownAccount(id, segments, id in made) for key, (id, segments) in found.items()}


def news_of(known: Sequence[Known], accounts: Sequence[KnownAccount], actor: str) -> list[changes.NewChange]:
    """What the feed tells of contacts and accounts that were made or changed, each once; no personal data."""
    news = [changes.NewChange("account.created", "account", str(id), actor)
            for id in sorted({one.id for one in accounts if one.created})]  # fmt: skip
    seen: set[int] = set()
    for one in known:
        if one.contact_id in seen or not (one.created or one.changed):
            continue
        seen.add(one.contact_id)
        if one.created:
            news.append(changes.NewChange("contact.created", "contact", str(one.contact_id), actor))
        else:
            data = {"members": list(one.changed)}
            news.append(changes.NewChange("contact.changed", "contact", str(one.contact_id), actor, data))
    return news


async def _know(tx: Transaction, workspace_id: int, given: Sequence[Given]) -> list[Known]:
    emails = [email_key(one.email) for one in given if one.email]
    phones = [phone_key(one.phone) for one in given if one.phone]
    directory = Directory(await queries.contacts_for_update(tx, workspace_id, emails, phones))
    met = [directory.meet(one) for one in given]
    new = [draft for draft in directory.drafts if draft.id is None]
    changed = [draft for draft in directory.drafts if draft.id is not None and draft.changed]
    await queries.change_contacts(tx, workspace_id, changed)
    for draft, number in zip(new, await queries.make_contacts(tx, workspace_id, new), strict=True):
        draft.id, draft.made = number, True
    return [_known(draft, note) for draft, note in met]


def _known(draft: Draft, note: str | None) -> Known:
    assert draft.id is not None
    return Known(
        draft.id,
        draft.details.get("account_id"),
        draft.segments,
        draft.made,
        tuple(sorted(draft.changed)),
        note,
    )
