"""SQL that tells in one go who is known of all those whom a batch of records names."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

import msgspec

from tellback.core.people.model import Contact
from tellback.core.people.queries import by_key, contact
from tellback.core.people.rules import DETAILS
from tellback.storage.database import Reader

_PERSON = f"""c.email, c.phone, c.email_key, c.phone_key, {", ".join(f"c.{name}" for name in DETAILS)}"""
_NOBODY = ", ".join(["null"] * (4 + len(DETAILS)))

# Contacts with their account's segments; an id for whoever may be new; accounts by name; whether automation is told
# of what happens in the workspace. $1-$3 people as (workspace, e-mail key, phone key), $4-$5 accounts as
# (workspace, name key). The subqueries with a limit are looked up by key however small the tables are planned for.
_KNOWN = f"""
with met as (
  select p.*, by_email.id as by_email, by_phone.id as by_phone
  from unnest($1::bigint[], $2::text[], $3::text[]) as p (workspace_id, email_key, phone_key)
  left join lateral ({by_key("email_key", "p.workspace_id", "p.email_key")}) as by_email on true
  left join lateral ({by_key("phone_key", "p.workspace_id", "p.phone_key")}) as by_phone on true
), contact as (
  select workspace_id, by_email as id from met where by_email is not null
  union select workspace_id, by_phone from met where by_phone is not null
)
select 'contact' as what, contact.workspace_id, contact.id, null::text as name_key, null::text as name, {_PERSON},
       c.segments, a.segments as account_segments
from contact
cross join lateral (
  select * from contacts c where c.workspace_id = contact.workspace_id and c.id = contact.id limit 1) as c
left join lateral (
  select a.segments from accounts a where a.workspace_id = c.workspace_id and a.id = c.account_id limit 1) as a on true
union all
select 'stranger', workspace_id, nextval(pg_get_serial_sequence('contacts', 'id')), null, null, {_NOBODY}, null, null
from met where by_email is null and (email_key is not null or by_phone is null)
union all
select 'account', k.workspace_id, a.id, k.name_key, a.name, {_NOBODY}, a.segments, null
from unnest($4::bigint[], $5::text[]) as k (workspace_id, name_key)
cross join lateral (
  select account_id from account_names n
  where n.workspace_id = k.workspace_id and n.name_key = k.name_key limit 1) as n
cross join lateral (
  select a.id, a.name, a.segments from accounts a
  where a.workspace_id = k.workspace_id and a.id = n.account_id limit 1) as a
union all
select 'automated', w.id, 0, null, null, {_NOBODY}, null, null
from workspaces w where w.automated and w.id = any($1::bigint[] || $4::bigint[])
"""


@dataclass(slots=True)
class Known:
    """Of one workspace: contacts; accounts as (name key, id, name, segments); segments of accounts by their id.

    `free_ids` are contact ids that nobody has, one at least for everyone who is new.
    """

    contacts: list[Contact] = field(default_factory=list)
    accounts: list[tuple[str, int, str, dict[str, str]]] = field(default_factory=list)
    segments: dict[int, dict[str, str]] = field(default_factory=dict)
    free_ids: list[int] = field(default_factory=list)
    automated: bool = False


async def known(
    reader: Reader,
    people: Collection[tuple[int, str | None, str | None]],
    accounts: Collection[tuple[int, str]],
) -> dict[int, Known]:
    """By workspace, who there is of `people` (workspace, e-mail key, phone key) and `accounts` (workspace, key)."""
    workspaces = {one[0] for one in people} | {one[0] for one in accounts}
    found = {workspace_id: Known() for workspace_id in workspaces}
    rows = await reader.fetch(
        _KNOWN,
        *([one[place] for one in people] for place in range(3)),
        *([one[place] for one in accounts] for place in range(2)),
    )
    decode = msgspec.json.decode
    for row in rows:
        mine, id = found[row["workspace_id"]], row["id"]
        match row["what"]:
            case "contact":
                mine.contacts.append(contact(row))
                if row["account_segments"] is not None:
                    mine.segments[row["account_id"]] = decode(row["account_segments"])
            case "account":
                mine.segments[id] = decode(row["segments"])
                mine.accounts.append((row["name_key"], id, row["name"], mine.segments[id]))
            case "stranger":
                mine.free_ids.append(id)
            case "automated":
                mine.automated = True
    return found
