"""SQL of responses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import msgspec

from tellback.core.intake import NewEntry
from tellback.core.intake import queries as intake_queries
from tellback.core.people import account_key, email_key
from tellback.core.responses.model import Filter, NewResponse, Person, Response
from tellback.storage.database import Reader, Row, Transaction

# Ids come from the workspace's counter row, as those of tickets and of the feed do: in commit order. The log
# entries say which response their request made. $1-$2 how many a workspace gets, $3-$26 the responses, from
# $27 the log.
_RECORD = f"""
with counted as (
  update workspace_counters c set responses = c.responses + k.n
  from unnest($1::bigint[], $2::bigint[]) as k (workspace_id, n)
  where c.workspace_id = k.workspace_id
  returning c.workspace_id, c.responses - k.n as responses
), placed as (
  select new.*, counted.responses + new.nth as id
  from unnest($3::bigint[], $4::bigint[], $5::text[], $6::text[], $7::bigint[], $8::bigint[], $9::text[],
              $10::text[], $11::float8[], $12::text[], $13::text[], $14::bool[], $15::bigint[], $16::bigint[],
              $17::text[], $18::text[], $19::text[], $20::bool[], $21::text[], $22::text[], $23::text[],
              $24::timestamptz[], $25::timestamptz[], $26::bool[]) with ordinality
    as new (workspace_id, nth, channel, source_key, survey_id, session_number, configuration,
            kind, score, scores, comment, complete, contact_id, account_id,
            touchpoint, segments, drivers, follow_up, follow_up_details, reference, metadata,
            sent_at, completed_at, satisfied, n)
  join counted using (workspace_id)
), recorded as (
  insert into responses (workspace_id, id, channel, source_key, survey_id, session_number, configuration,
                         kind, score, scores, comment, complete, contact_id, account_id,
                         touchpoint, segments, drivers, follow_up, follow_up_details, reference, metadata,
                         sent_at, completed_at, satisfied)
  select workspace_id, id, channel, source_key, survey_id, session_number, configuration,
         kind, score, scores::jsonb, comment, complete, contact_id, account_id,
         touchpoint, segments::jsonb, drivers::jsonb, follow_up, follow_up_details, reference, metadata::jsonb,
         sent_at, case when complete then coalesce(completed_at, now()) end,
         satisfied
  from placed
), logged as (
  {intake_queries.entry_insert({"created_type": "'response'", "created_id": "placed.id::text"})}
  from {intake_queries.entry_source(27)} join placed using (n)
)
select id from placed order by n
"""

_PLAIN = (
    "channel", "source_key", "survey_id", "session_number", "configuration", "kind", "score", "scores",
    "comment", "complete", "contact_id", "account_id", "touchpoint", "segments", "drivers", "follow_up",
    "follow_up_details", "reference", "metadata", "sent_at", "completed_at", "satisfied",
)  # fmt: skip
#: From so many on, what has no log entries is stored by COPY: arrays cost twice as much at both ends.
COPIED = 200
_DOCUMENTS = frozenset({"scores", "segments", "drivers", "metadata"})


async def record_many(
    tx: Transaction, new: Sequence[NewResponse], entries: Sequence[NewEntry] = ()
) -> list[int]:
    """Store responses and, where there are any, their log entries (as many); their ids. One statement.

    From here to the commit the workspaces' counters are locked.
    """
    if len(new) >= COPIED and not entries and len({one.workspace_id for one in new}) == 1:
        return await _copy(tx, new[0].workspace_id, new)
    per_workspace: Counter[int] = Counter()
    nth = []
    for one in new:
        per_workspace[one.workspace_id] += 1
        nth.append(per_workspace[one.workspace_id])
    rows = await tx.fetch(
        _RECORD,
        list(per_workspace),
        list(per_workspace.values()),
        [one.workspace_id for one in new],
        nth,
        *([_column(one, name) for one in new] for name in _PLAIN),
        *intake_queries.entry_arrays(entries),
    )
    return [row["id"] for row in rows]


async def _copy(tx: Transaction, workspace_id: int, new: Sequence[NewResponse]) -> list[int]:
    """The same by COPY, for thousands at once; columns that none of them fills keep their default."""
    last: int = await tx.fetchval(
        "update workspace_counters set responses = responses + $2 where workspace_id = $1 returning responses",
        workspace_id, len(new),
    )  # fmt: skip
    ids = list(range(last - len(new) + 1, last + 1))
    now = await tx.fetchval("select now()")
    columns = {name: [getattr(one, name) for one in new] for name in _PLAIN}
    columns["completed_at"] = [
        one.completed_at or now if one.complete else None for one in new
    ]  # as the statement above has it
    filled = {name: values for name, values in columns.items() if any(v not in (None, {}) for v in values)}
    for name in _DOCUMENTS & filled.keys():
        filled[name] = [msgspec.json.encode(value).decode() for value in filled[name]]
    await tx.copy_records_to_table(
        "responses",
        columns=["workspace_id", "id", *filled],
        records=zip([workspace_id] * len(new), ids, *filled.values(), strict=True),
    )
    return ids


def _column(one: NewResponse, name: str) -> Any:
    value = getattr(one, name)
    return msgspec.json.encode(value).decode() if name in _DOCUMENTS else value


_RESPONSE = """
select r.*, s.token, c.email, c.phone, c.first_name, c.last_name, a.name as account_name
from responses r
left join sessions s on s.workspace_id = r.workspace_id and s.number = r.session_number
left join contacts c on c.workspace_id = r.workspace_id and c.id = r.contact_id
left join accounts a on a.workspace_id = r.workspace_id and a.id = r.account_id
"""


async def search(
    reader: Reader, workspace_id: int, wanted: Filter, after: int | None, limit: int
) -> list[Response]:
    """Responses above id `after`, in the order in which they were committed."""
    conditions = ["r.workspace_id = $1"]
    arguments: list[Any] = [workspace_id]

    def where(condition: str, value: Any) -> None:
        if value is not None:
            arguments.append(value)
            conditions.append(condition.format(f"${len(arguments)}"))

    where("r.id > {}", after)
    where("r.survey_id = {}", wanted.survey)
    where("r.channel = {}", wanted.channel)
    where("r.kind = {}", wanted.kind)
    where("r.complete = {}", wanted.complete)
    where("r.touchpoint = {}", wanted.touchpoint)
    where(
        "r.contact_id = any(array(select id from contacts where workspace_id = $1 and email_key = {}))",
        email_key(wanted.contact) if wanted.contact is not None else None,
    )
    where(
        "r.account_id = any(array("
        "select account_id from account_names where workspace_id = $1 and name_key = {}))",
        account_key(wanted.account) if wanted.account is not None else None,
    )
    arguments.append(limit)
    rows = await reader.fetch(
        f"{_RESPONSE} where {' and '.join(conditions)} order by r.id limit ${len(arguments)}", *arguments
    )
    return [_response(row) for row in rows]


def _response(row: Row) -> Response:
    contact = None
    if row["contact_id"] is not None:
        contact = Person(row["contact_id"], row["email"], row["phone"], row["first_name"], row["last_name"])
    same = (
        "id", "channel", "source_key", "configuration", "kind", "score", "comment", "complete", "touchpoint",
        "follow_up", "follow_up_details", "reference", "sent_at", "completed_at", "created_at",
    )  # fmt: skip
    return Response(
        **{name: row[name] for name in same},
        **{name: msgspec.json.decode(row[name]) for name in _DOCUMENTS},
        survey=row["survey_id"],
        session=row["token"],
        contact=contact,
        account=(row["account_id"], row["account_name"]) if row["account_id"] is not None else None,
    )
