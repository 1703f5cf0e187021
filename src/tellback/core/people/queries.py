"""SQL of contacts, accounts and participants."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from tellback.core.people.model import AccountRecord, Contact, ContactRecord, Participant
from tellback.core.people.rules import DETAILS, AccountDraft, Draft, account_key, email_key, phone_key
from tellback.storage.database import Reader, Row, Transaction


async def participants(reader: Reader, workspace_id: int, project_id: int) -> list[Participant]:
    """Everyone who may submit in a project."""
    rows = await reader.fetch(
        """
        select p.contact_id, c.email, p.name
        from participants p join contacts c on c.workspace_id = p.workspace_id and c.id = p.contact_id
        where p.workspace_id = $1 and p.project_id = $2 and p.archived_at is null and c.email is not null
        """,
        workspace_id, project_id,
    )  # fmt: skip
    return [Participant(**row) for row in rows]


def by_key(column: str, workspace_id: str, key: str) -> str:
    """The id of the contact with that key. Planned by key even on a table that is empty when it is planned."""
    return f"select c.id from contacts c where c.workspace_id = {workspace_id} and c.{column} = {key} limit 1"


_BY_IDENTITY = f"""
with given as (
  select met.id from unnest($2::text[]) as email (key), lateral ({by_key("email_key", "$1", "email.key")}) as met
  union
  select met.id from unnest($3::text[]) as phone (key), lateral ({by_key("phone_key", "$1", "phone.key")}) as met
)
select c.* from (select id from given order by id) as given, lateral (
  select id, email, phone, email_key, phone_key, {", ".join(DETAILS)}, segments
  from contacts c where c.workspace_id = $1 and c.id = given.id limit 1 {{lock}}
) as c
"""


async def contacts_known(
    reader: Reader, workspace_id: int, email_keys: Sequence[str], phone_keys: Sequence[str]
) -> list[Contact]:
    """The contacts with any of these keys."""
    rows = await reader.fetch(_BY_IDENTITY.format(lock=""), workspace_id, email_keys, phone_keys)
    return [contact(row) for row in rows]


async def contacts_for_update(
    tx: Transaction, workspace_id: int, email_keys: Sequence[str], phone_keys: Sequence[str]
) -> list[Contact]:
    """The contacts with any of these keys, locked in one order everywhere."""
    rows = await tx.fetch(_BY_IDENTITY.format(lock="for update"), workspace_id, email_keys, phone_keys)
    return [contact(row) for row in rows]


def contact(row: Row) -> Contact:
    """The contact of a row that has these columns, however many others."""
    return Contact(
        row["id"], row["email"], row["phone"], row["email_key"], row["phone_key"],
        {name: row[name] for name in DETAILS}, msgspec.json.decode(row["segments"]),
    )  # fmt: skip


#: How many parameters `contact_arrays` makes.
CONTACT_ARRAYS = 12


def contact_insert(first: int) -> str:
    """An insert of new contacts whose ids are drawn already; its parameters from number `first` on."""
    columns = f"workspace_id, id, email, email_key, phone, phone_key, {', '.join(DETAILS)}"
    types = ("bigint", "bigint", *["text"] * (3 + len(DETAILS)), "bigint", "text")
    arrays = ", ".join(f"${first + i}::{kind}[]" for i, kind in enumerate(types))
    return f"""
    insert into contacts ({columns}, segments) overriding system value
    select {columns}, segments::jsonb from unnest({arrays}) as given ({columns}, segments)
    order by workspace_id, email_key, phone_key
    """


def contact_arrays(drafts: Sequence[tuple[int, Draft]]) -> list[list[Any]]:
    """The parameters of `contact_insert`, of drafts with their workspace's id."""
    new = [draft for _, draft in drafts]
    return [[workspace_id for workspace_id, _ in drafts], [draft.id for draft in new], *_columns(new)]


async def make_contacts(tx: Transaction, workspace_id: int, drafts: Sequence[Draft]) -> list[int]:
    """Store new contacts; their ids in order. Meets a unique key when another was quicker."""
    if not drafts:
        return []
    rows = await tx.fetch(
        """
        with new as (
          select nextval(pg_get_serial_sequence('contacts', 'id')) as id, given.*
          from unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
                      $9::text[], $10::bigint[], $11::text[]) with ordinality
            as given (email, email_key, phone, phone_key, first_name, last_name, job_title,
                      language, account_id, segments, n)
        ), made as (
          insert into contacts (workspace_id, id, email, email_key, phone, phone_key, first_name, last_name,
                                job_title, language, account_id, segments)
          overriding system value
          select $1, id, email, email_key, phone, phone_key, first_name, last_name,
                 job_title, language, account_id, segments::jsonb
          from new order by email_key, phone_key
        )
        select id from new order by n
        """,
        workspace_id, *_columns(drafts),
    )  # fmt: skip
    return [row["id"] for row in rows]


async def change_contacts(tx: Transaction, workspace_id: int, drafts: Sequence[Draft]) -> None:
    """Store what contacts are now. Meets a unique key when an e-mail or phone was taken meanwhile."""
    if not drafts:
        return
    moved = [draft.id for draft in drafts if "phone" in draft.changed]
    if len(moved) > 1:  # one may have another's old phone, and unique keys are looked at row by row
        await tx.execute(
            "update contacts set phone = null, phone_key = null where workspace_id = $1 and id = any($2::bigint[])",
            workspace_id, moved,
        )  # fmt: skip
    await tx.execute(
        """
        update contacts c
        set email = new.email, email_key = new.email_key, phone = new.phone, phone_key = new.phone_key,
            first_name = new.first_name, last_name = new.last_name, job_title = new.job_title,
            language = new.language, account_id = new.account_id, segments = new.segments::jsonb,
            changed_at = now()
        from unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
                    $9::text[], $10::bigint[], $11::text[], $12::bigint[])
          as new (email, email_key, phone, phone_key, first_name, last_name, job_title,
                  language, account_id, segments, id)
        where c.workspace_id = $1 and c.id = new.id
        """,
        workspace_id, *_columns(drafts), [draft.id for draft in drafts],
    )  # fmt: skip


def _columns(drafts: Sequence[Draft]) -> list[list[Any]]:
    identities = [
        [draft.email for draft in drafts],
        [draft.email_key for draft in drafts],
        [draft.phone for draft in drafts],
        [draft.phone_key for draft in drafts],
    ]
    details = [[draft.details.get(name) for draft in drafts] for name in DETAILS]
    return [*identities, *details, [_json(draft.segments) for draft in drafts]]


async def make_accounts(tx: Transaction, workspace_id: int, names: Mapping[str, str]) -> set[int]:
    """Make accounts for the names (by their key) that none answers to; the ids of those made.

    The name is taken first: who comes second waits, and finds the first one's account.
    """
    keys = sorted(names)
    rows = await tx.fetch(
        """
        with free as (
          insert into account_names (workspace_id, name_key, account_id, name)
          select $1, new.key, nextval(pg_get_serial_sequence('accounts', 'id')), new.name
          from unnest($2::text[], $3::text[]) as new (key, name)
          where not exists (
            select from account_names known where known.workspace_id = $1 and known.name_key = new.key)
          on conflict (workspace_id, name_key) do nothing
          returning account_id, name
        )
        insert into accounts (workspace_id, id, name) select $1, account_id, name from free returning id
        """,
        workspace_id, keys, [names[key] for key in keys],
    )  # fmt: skip
    return {row["id"] for row in rows}


async def accounts_named(
    reader: Reader, workspace_id: int, keys: Sequence[str]
) -> dict[str, tuple[int, dict[str, str]]]:
    """Id and segments of the accounts that names or aliases stand for, by their key."""
    rows = await reader.fetch(
        """
        select n.name_key, a.id, a.segments
        from account_names n join accounts a on a.workspace_id = n.workspace_id and a.id = n.account_id
        where n.workspace_id = $1 and n.name_key = any($2::text[])
        """,
        workspace_id, keys,
    )  # fmt: skip
    return {row["name_key"]: (row["id"], msgspec.json.decode(row["segments"])) for row in rows}


async def accounts_known(
    reader: Reader, workspace_id: int, keys: Sequence[str]
) -> list[tuple[str, int, str, dict[str, str]]]:
    """(Name key, id, name, segments) of the accounts that names or aliases stand for."""
    rows = await reader.fetch(
        """
        select n.name_key, a.id, a.name, a.segments
        from account_names n join accounts a on a.workspace_id = n.workspace_id and a.id = n.account_id
        where n.workspace_id = $1 and n.name_key = any($2::text[])
        """,
        workspace_id, keys,
    )  # fmt: skip
    return [(row["name_key"], row["id"], row["name"], msgspec.json.decode(row["segments"])) for row in rows]


async def new_accounts(tx: Transaction, workspace_id: int, drafts: Sequence[AccountDraft]) -> list[int]:
    """Store new accounts without their names to be found by (`add_names`); their ids in order."""
    if not drafts:
        return []
    rows = await tx.fetch(
        """
        with new as (
          select nextval(pg_get_serial_sequence('accounts', 'id')) as id, given.*
          from unnest($2::text[], $3::text[]) with ordinality as given (name, segments, n)
        ), made as (
          insert into accounts (workspace_id, id, name, segments) select $1, id, name, segments::jsonb from new
        )
        select id from new order by n
        """,
        workspace_id, [draft.name for draft in drafts], [_json(draft.segments) for draft in drafts],
    )  # fmt: skip
    return [row["id"] for row in rows]


async def add_names(tx: Transaction, workspace_id: int, drafts: Sequence[AccountDraft]) -> None:
    """Store new names and aliases, in one order everywhere. Meets the key when another was quicker."""
    names = sorted(
        (key, draft.id, name, alias) for draft in drafts for key, (name, alias) in draft.names.items()
    )
    if not names:
        return
    await tx.execute(
        """
        insert into account_names (workspace_id, name_key, account_id, name, alias)
        select $1, new.key, new.account_id, new.name, new.alias
        from unnest($2::text[], $3::bigint[], $4::text[], $5::bool[]) as new (key, account_id, name, alias)
        """,
        workspace_id,
        *([one[column] for one in names] for column in range(4)),
    )


async def change_accounts(tx: Transaction, workspace_id: int, drafts: Sequence[AccountDraft]) -> None:
    """Store the segments that accounts have now; what others changed meanwhile of other segments stays."""
    if not drafts:
        return
    await tx.execute(
        """
        update accounts a
        set segments = (a.segments || new.given::jsonb) - new.cleared::text[], changed_at = now()
        from (
          select id, given, array(select jsonb_array_elements_text(cleared::jsonb)) as cleared
          from unnest($2::bigint[], $3::text[], $4::text[]) as one (id, given, cleared) order by id
        ) as new
        where a.workspace_id = $1 and a.id = new.id
        """,
        workspace_id,
        [draft.id for draft in drafts],
        [
            _json({name: draft.segments[name] for name in _segments(draft) & set(draft.segments)})
            for draft in drafts
        ],
        [_json(sorted(_segments(draft) - set(draft.segments))) for draft in drafts],
    )


def _segments(draft: AccountDraft) -> set[str]:
    """The segments that were changed."""
    return {name.removeprefix("segments.") for name in draft.changed if name.startswith("segments.")}


async def account_segments(
    reader: Reader, workspace_id: int, account_ids: Sequence[int]
) -> dict[int, dict[str, str]]:
    """The segments of accounts, by id."""
    rows = await reader.fetch(
        "select id, segments from accounts where workspace_id = $1 and id = any($2::bigint[])",
        workspace_id, account_ids,
    )  # fmt: skip
    return {row["id"]: msgspec.json.decode(row["segments"]) for row in rows}


async def contacts(
    reader: Reader,
    workspace_id: int,
    after: int | None,
    limit: int,
    *,
    email: str | None = None,
    phone: str | None = None,
    account: str | None = None,
) -> list[ContactRecord]:
    """Contacts above id `after`, ascending; `account` is a name or alias."""
    rows = await reader.fetch(
        """
        select c.*, a.name as account_name
        from contacts c left join accounts a on a.workspace_id = c.workspace_id and a.id = c.account_id
        where c.workspace_id = $1 and ($2::bigint is null or c.id > $2)
          and ($4::text is null or c.email_key = $4) and ($5::text is null or c.phone_key = $5)
          and ($6::text is null or c.account_id =
            (select account_id from account_names n where n.workspace_id = $1 and n.name_key = $6))
        order by c.id limit $3
        """,
        workspace_id, after, limit,
        email_key(email) if email is not None else None,
        phone_key(phone) if phone is not None else None,
        account_key(account) if account is not None else None,
    )  # fmt: skip
    return [_contact(row) for row in rows]


async def contacts_with(reader: Reader, workspace_id: int, ids: Sequence[int]) -> list[ContactRecord]:
    """The contacts with these ids, in no order; those that are not there are left out."""
    rows = await reader.fetch(
        """
        select c.*, a.name as account_name
        from contacts c left join accounts a on a.workspace_id = c.workspace_id and a.id = c.account_id
        where c.workspace_id = $1 and c.id = any($2::bigint[])
        """,
        workspace_id, ids,
    )  # fmt: skip
    return [_contact(row) for row in rows]


async def accounts(
    reader: Reader, workspace_id: int, after: int | None, limit: int, *, name: str | None = None
) -> list[AccountRecord]:
    """Accounts above id `after`, ascending; `name` is a name or alias."""
    rows = await reader.fetch(
        """
        select a.*, array(select n.name from account_names n where n.workspace_id = $1 and n.account_id = a.id
                          and n.alias order by n.name_key) as aliases
        from accounts a
        where a.workspace_id = $1 and ($2::bigint is null or a.id > $2)
          and ($4::text is null or a.id =
            (select account_id from account_names n where n.workspace_id = $1 and n.name_key = $4))
        order by a.id limit $3
        """,
        workspace_id, after, limit, account_key(name) if name is not None else None,
    )  # fmt: skip
    return [_account(row) for row in rows]


async def accounts_with(reader: Reader, workspace_id: int, ids: Sequence[int]) -> list[AccountRecord]:
    """The accounts with these ids, in no order; those that are not there are left out."""
    rows = await reader.fetch(
        """
        select a.*, array(select n.name from account_names n where n.workspace_id = $1 and n.account_id = a.id
                          and n.alias order by n.name_key) as aliases
        from accounts a where a.workspace_id = $1 and a.id = any($2::bigint[])
        """,
        workspace_id, ids,
    )  # fmt: skip
    return [_account(row) for row in rows]


def _account(row: Row) -> AccountRecord:
    return AccountRecord(
        row["id"], row["name"], row["aliases"], msgspec.json.decode(row["segments"]),
        row["created_at"], row["changed_at"],
    )  # fmt: skip


def _contact(row: Row) -> ContactRecord:
    return ContactRecord(
        id=row["id"],
        email=row["email"],
        phone=row["phone"],
        first_name=row["first_name"],
        last_name=row["last_name"],
        job_title=row["job_title"],
        language=row["language"],
        account=(row["account_id"], row["account_name"]) if row["account_id"] is not None else None,
        segments=msgspec.json.decode(row["segments"]),
        created_at=row["created_at"],
        changed_at=row["changed_at"],
    )


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
