"""SQL of contacts and accounts for thousands of them at once.

Whatever is looked up by many keys is looked up key by key in an index (`offset 0` keeps the planner from reading
a whole table instead, which costs less only while the table is small).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import msgspec

from tellback.core.people.model import Contact
from tellback.core.people.queries import contact
from tellback.core.people.rules import DETAILS, AccountDraft, Draft
from tellback.storage import copying
from tellback.storage.database import Reader, Transaction

CONTACTS = """
select c.* from unnest($2::text[]) as one (key), lateral (
  select * from contacts where workspace_id = $1 and {key} = one.key offset 0
) c
"""
LOCKED = """
select c.* from unnest($2::bigint[]) as one (id), lateral (
  select * from contacts where workspace_id = $1 and contacts.id = one.id for update
) c
"""
ACCOUNTS = """
select a.* from unnest($2::text[]) as one (key), lateral (
  select n.name_key, a.id, a.name, a.segments
  from account_names n join accounts a on a.workspace_id = n.workspace_id and a.id = n.account_id
  where n.workspace_id = $1 and n.name_key = one.key offset 0
) a
"""


async def contacts_known(
    reader: Reader, workspace_id: int, emails: Collection[str], phones: Collection[str]
) -> list[Contact]:
    """The contacts with any of these keys, in the order of their ids."""
    found: dict[int, Contact] = {}
    for key, values in (("email_key", emails), ("phone_key", phones)):
        if values:
            rows = await reader.fetch(CONTACTS.format(key=key), workspace_id, list(values))
            found |= {row["id"]: contact(row) for row in rows}
    return [found[id] for id in sorted(found)]


async def lock_contacts(tx: Transaction, workspace_id: int, ids: Collection[int]) -> list[Contact]:
    """These as they are, and will be until the transaction ends; locked in one order everywhere."""
    rows = await tx.fetch(LOCKED, workspace_id, sorted(ids))
    return [contact(row) for row in rows]


async def accounts_known(
    reader: Reader, workspace_id: int, keys: Collection[str]
) -> list[tuple[str, int, str, dict[str, str]]]:
    """(Name key, id, name, segments) of the accounts that names or aliases stand for."""
    rows = await reader.fetch(ACCOUNTS, workspace_id, list(keys))
    return [(row["name_key"], row["id"], row["name"], msgspec.json.decode(row["segments"])) for row in rows]


async def account_ids(tx: Transaction, many: int) -> list[int]:
    """Ids for so many new accounts; those that are not used are lost, as any number of a sequence may be."""
    return await _ids(tx, "accounts", many)


async def contact_ids(tx: Transaction, many: int) -> list[int]:
    """The same for new contacts."""
    return await _ids(tx, "contacts", many)


async def _ids(tx: Transaction, table: str, many: int) -> list[int]:
    rows = await tx.fetch(
        "select nextval(pg_get_serial_sequence($1, 'id')) as id from generate_series(1, $2)", table, many
    )
    return [row["id"] for row in rows]


async def add_accounts(tx: Transaction, workspace_id: int, drafts: Sequence[AccountDraft]) -> None:
    """Store new accounts, which have their ids, without their names to be found by."""
    if drafts:
        await copying.copy(
            tx, "accounts", ("workspace_id", "id", "name", "segments"),
            (
                f"{workspace_id}\t{one.id}\t{copying.escaped(one.name)}\t{_json(one.segments)}"
                for one in drafts
            ),
        )  # fmt: skip


_NEW = ("id", "workspace_id", "email", "email_key", "phone", "phone_key", *DETAILS, "segments")


async def add_contacts(tx: Transaction, workspace_id: int, drafts: Sequence[Draft]) -> None:
    """Store new contacts, which have their ids. Meets a unique key when another was quicker."""
    ordered = sorted(drafts, key=lambda one: (one.email_key or "", one.phone_key or ""))
    await copying.copy(tx, "contacts", _NEW, (_row(workspace_id, one) for one in ordered))


def _row(workspace_id: int, draft: Draft) -> str:
    details = draft.details
    told = (draft.email, draft.email_key, draft.phone, draft.phone_key, *map(details.get, DETAILS))
    cells = [copying.NULL if value is None else copying.escaped(str(value)) for value in told]
    return copying.TAB.join((str(draft.id), str(workspace_id), *cells, _json(draft.segments)))


def _json(segments: dict[str, str]) -> str:
    return copying.escaped(msgspec.json.encode(segments).decode()) if segments else "{}"
