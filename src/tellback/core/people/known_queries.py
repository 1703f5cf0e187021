"""SQL that tells in one go who is known of all those whom a batch of records names."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

import msgspec

from tellback.core.people.model import Contact
from tellback.core.people.queries import contact
from tellback.core.people.rules import DETAILS
from tellback.storage.database import Reader

# Contacts by either key, with their account's segments; an id for whoever may be new; accounts by name; whether
# automation is told of what happens in the workspace.
# $1-$3 people as (workspace, e-mail key, phone key), $4-$5 accounts as (workspace, name key).
_CONTACT = f"""
select 'contact' as what, c.workspace_id, c.id, null::text as name_key, null::text as name, c.email, c.phone,
       c.email_key, c.phone_key, {", ".join(f"c.{name}" for name in DETAILS)}, c.segments,
       a.segments as account_segments
from people p join contacts c on c.workspace_id = p.workspace_id and c.%(key)s = p.%(key)s
left join accounts a on a.workspace_id = c.workspace_id and a.id = c.account_id
"""
_KNOWN = f"""
with people as (
  select * from unnest($1::bigint[], $2::text[], $3::text[]) as p (workspace_id, email_key, phone_key)
)
{_CONTACT % {"key": "email_key"}}
union all
{_CONTACT % {"key": "phone_key"}}
union all
select 'stranger', p.workspace_id, nextval(pg_get_serial_sequence('contacts', 'id')), null, null, null, null,
       null, null, {"null, " * len(DETAILS)} null, null
from people p
where not exists (select from contacts c where c.workspace_id = p.workspace_id and c.email_key = p.email_key)
  and (p.email_key is not null or not exists (
    select from contacts c where c.workspace_id = p.workspace_id and c.phone_key = p.phone_key))
union all
select 'account', n.workspace_id, a.id, n.name_key, a.name, null, null, null, null,
       {"null, " * len(DETAILS)} a.segments, null
from unnest($4::bigint[], $5::text[]) as k (workspace_id, name_key)
join account_names n on n.workspace_id = k.workspace_id and n.name_key = k.name_key
join accounts a on a.workspace_id = n.workspace_id and a.id = n.account_id
union all
select 'automated', w.id, 0, null, null, null, null, null, null, {"null, " * len(DETAILS)} null, null
from workspaces w where w.automated and (w.id = any($1::bigint[]) or w.id = any($4::bigint[]))
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
