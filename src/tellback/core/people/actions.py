"""Verbs on people: knowing who is meant, and making those who are new."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from tellback.core import changes
from tellback.core.people import known_queries, queries
from tellback.core.people.model import Given, GivenAccount, Known, KnownAccount
from tellback.core.people.rules import (
    AccountBook,
    Directory,
    Met,
    MetAccount,
    account_key,
    email_key,
    phone_key,
)
from tellback.storage.database import Reader, Transaction
from tellback.storage.savepoint import again_when_taken

#: From so many people on, those that are known are not locked unless something of them changes.
MANY = 200


async def know_many(tx: Transaction, workspace_id: int, given: Sequence[Given]) -> list[Known]:
    """The contacts that are meant, found or made, with what is said of them stored; one for each, in order.

    Two who make the same contact at the same time get one. The feed rows are the caller's to write
    (`news_of`), as the last thing of the transaction.
    """
    if not given:
        return []
    return await again_when_taken(tx, lambda inner: _know(inner, workspace_id, given))


@dataclass(slots=True)
class Acquaintance:
    """Who is known of a workspace's people and accounts, to be met; nothing of it is locked.

    `segments` are those of accounts by their id; `free_ids` are contact ids that nobody has, one at least for
    everyone who is new. `automated`: automation is told of what happens in the workspace.
    """

    accounts: AccountBook
    contacts: Directory
    segments: Mapping[int, Mapping[str, str]]
    free_ids: list[int]
    automated: bool


async def look_up(
    reader: Reader, named: Iterable[tuple[int, Sequence[str], Given | None]]
) -> dict[int, Acquaintance]:
    """By workspace, who is known of (workspace id, names of accounts, person). One statement."""
    persons: dict[tuple[int, str | None, str | None], None] = {}
    accounts: dict[tuple[int, str], None] = {}
    for workspace_id, names, given in named:
        accounts |= dict.fromkeys((workspace_id, account_key(name)) for name in names)
        if given is not None:
            email = email_key(given.email) if given.email else None
            persons[workspace_id, email, phone_key(given.phone) if given.phone else None] = None
    found = await known_queries.known(reader, persons, accounts)
    return {
        workspace_id: Acquaintance(
            AccountBook(one.accounts), Directory(one.contacts), one.segments, one.free_ids, one.automated
        )
        for workspace_id, one in found.items()
    }


async def know_accounts(tx: Transaction, workspace_id: int, names: Sequence[str]) -> dict[str, KnownAccount]:
    """The accounts that names (or aliases) stand for, found or made, by `account_key`. The first spelling stays."""
    if not names:
        return {}
    unique = {account_key(name): name.strip() for name in reversed(names)}
    made = await queries.make_accounts(tx, workspace_id, unique)
    found = await queries.accounts_named(tx, workspace_id, list(unique))
    return {key: KnownAccount(id, segments, id in made) for key, (id, segments) in found.items()}


async def learn_accounts(
    tx: Transaction, workspace_id: int, given: Sequence[GivenAccount]
) -> list[KnownAccount | None]:
    """The accounts that are meant, found or made, with what is said of them stored; one for each, in order.

    None, and nothing stored of it, where an alias is another account's name or alias. As in `know_many`, two
    who make one account at the same time get one, and the feed is the caller's to write.
    """
    if not given:
        return []
    return await again_when_taken(tx, lambda inner: _learn_accounts(inner, workspace_id, given))


def news_of(known: Sequence[Known], accounts: Sequence[KnownAccount], actor: str) -> list[changes.NewChange]:
    """What the feed tells of contacts and accounts that were made or changed, each once; no personal data."""
    return [
        *_news("account", [(one.id, one.created, one.changed) for one in accounts], actor),
        *_news("contact", [(one.contact_id, one.created, one.changed) for one in known], actor),
    ]


def _news(
    subject: Literal["account", "contact"],
    tellings: Iterable[tuple[int, bool, tuple[str, ...]]],
    actor: str,
) -> list[changes.NewChange]:
    created: set[int] = set()
    changed: dict[int, set[str]] = {}
    for id, made, members in tellings:
        if made:
            created.add(id)
        if made or members:
            changed.setdefault(id, set()).update(members)
    kind_created: changes.Kind = "account.created" if subject == "account" else "contact.created"
    kind_changed: changes.Kind = "account.changed" if subject == "account" else "contact.changed"
    return [
        changes.NewChange(kind_created, subject, str(id), actor)
        if id in created
        else changes.NewChange(kind_changed, subject, str(id), actor, {"members": sorted(members)})
        for id, members in changed.items()
    ]


async def _know(tx: Transaction, workspace_id: int, given: Sequence[Given]) -> list[Known]:
    emails = [email_key(one.email) for one in given if one.email]
    phones = [phone_key(one.phone) for one in given if one.phone]
    met: list[Met] = []
    directory = Directory(())
    # Most of many are known and told nothing new; only if some are changed must all be read anew, and locked.
    readings = (queries.contacts_known, queries.contacts_for_update)
    for reading in readings if len(given) >= MANY else readings[1:]:
        directory = Directory(await reading(tx, workspace_id, emails, phones))
        met = [directory.meet(one) for one in given]
        if not any(draft.changed for draft in directory.drafts if draft.id is not None):
            break
    new = [draft for draft in directory.drafts if draft.id is None]
    changed = [draft for draft in directory.drafts if draft.id is not None and draft.changed]
    await queries.change_contacts(tx, workspace_id, changed)
    for draft, number in zip(new, await queries.make_contacts(tx, workspace_id, new), strict=True):
        draft.id = number
    return [known(one) for one in met]


async def _learn_accounts(
    tx: Transaction, workspace_id: int, given: Sequence[GivenAccount]
) -> list[KnownAccount | None]:
    keys = {account_key(name) for one in given for name in (one.name, one.alias) if name}
    book = AccountBook(await queries.accounts_known(tx, workspace_id, sorted(keys)))
    met = [book.meet(one) for one in given]
    new = [draft for draft in book.drafts if draft.id is None]
    changed = [draft for draft in book.drafts if draft.id is not None and draft.changed]
    for draft, number in zip(new, await queries.new_accounts(tx, workspace_id, new), strict=True):
        draft.id = number
    await queries.add_names(tx, workspace_id, [draft for draft in book.drafts if draft.names])
    await queries.change_accounts(tx, workspace_id, changed)
    return [known_account(one) for one in met]


def known(met: Met) -> Known:
    """Who was met, once they have an id."""
    assert met.draft.id is not None
    return Known(met.draft.id, met.account_id, met.segments, met.new, met.changed, met.note)


def known_account(met: MetAccount | None) -> KnownAccount | None:
    """The account that was met; None where none was, or where it has no id yet."""
    if met is None or met.draft.id is None:
        return None
    return KnownAccount(met.draft.id, met.segments, met.new, met.changed)
