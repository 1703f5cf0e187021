"""SQL of responses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from operator import attrgetter
from typing import Any

import msgspec

from tellback.core.intake import NewEntry
from tellback.core.intake import queries as intake_queries
from tellback.core.people import account_key, email_key
from tellback.core.responses.model import Filter, NewResponse, Person, Response
from tellback.storage import arrays
from tellback.storage.database import Reader, Row, Transaction

_PLAIN = (
    "channel", "source_key", "survey_id", "session_number", "configuration", "kind", "score", "scores",
    "comment", "complete", "contact_id", "account_id", "touchpoint", "segments", "drivers", "follow_up",
    "follow_up_details", "reference", "metadata", "sent_at", "completed_at", "satisfied",
)  # fmt: skip
_TYPES = (
    "text", "text", "bigint", "bigint", "text", "text", "float8", "text",
    "text", "bool", "bigint", "bigint", "text", "text", "text", "bool",
    "text", "text", "text", "timestamptz", "timestamptz", "bool",
)  # fmt: skip
_DOCUMENTS = frozenset({"scores", "segments", "drivers", "metadata"})
_GETTERS = {name: attrgetter(name) for name in _PLAIN}
#: How many parameters `response_arrays` makes.
ARRAYS = 2 + len(_PLAIN)


def response_source(first: int) -> str:
    """`unnest(...)` over the parameters from number `first` on, as `new`, with its ordinality `n`.

    `nth` counts the responses of each workspace.
    """
    given = ", ".join(f"${first + i}::{kind}[]" for i, kind in enumerate(("bigint", "bigint", *_TYPES)))
    return f"unnest({given}) with ordinality as new (workspace_id, nth, {', '.join(_PLAIN)}, n)"


def response_insert() -> str:
    """`insert into responses ... select` without its FROM, which has an `id` to every column of the source."""
    changed = {name: f"coalesce({name}, '{{}}')::jsonb" for name in _DOCUMENTS}
    changed["completed_at"] = "case when complete then coalesce(completed_at, now()) end"
    values = ", ".join(changed.get(name, name) for name in _PLAIN)
    return f"insert into responses (workspace_id, id, {', '.join(_PLAIN)}) select workspace_id, id, {values}"


def response_arrays(new: Sequence[NewResponse]) -> list[list[Any]]:
    """The parameters of `response_source`."""
    per_workspace: Counter[int] = Counter()
    nth = []
    for one in new:
        per_workspace[one.workspace_id] += 1
        nth.append(per_workspace[one.workspace_id])
    return [
        [one.workspace_id for one in new],
        nth,
        *(_column(new, name) for name in _PLAIN),
    ]


# Ids come from the workspace's counter row, as those of tickets and of the feed do: in commit order. The log
# entries say which response their request made. $1-$2 how many a workspace gets, from $3 the responses, then
# the log.
_RECORD = f"""
with counted as (
  update workspace_counters c set responses = c.responses + k.n
  from unnest($1::bigint[], $2::bigint[]) as k (workspace_id, n)
  where c.workspace_id = k.workspace_id
  returning c.workspace_id, c.responses - k.n as responses
), placed as (
  select new.*, counted.responses + new.nth as id from {response_source(3)} join counted using (workspace_id)
), recorded as (
  {response_insert()} from placed
), logged as (
  {intake_queries.entry_insert({"created_type": "'response'", "created_id": "placed.id::text"})}
  from {intake_queries.entry_source(3 + ARRAYS)} join placed using (n)
)
select id from placed order by n
"""

#: From so many on, what has no log entries is stored by COPY: arrays cost twice as much at both ends.
COPIED = 200


async def record_many(
    tx: Transaction, new: Sequence[NewResponse], entries: Sequence[NewEntry] = ()
) -> list[int]:
    """Store responses and, where there are any, their log entries (as many); their ids.

    One statement; or by COPY, where there are many of one workspace and no log entries. From here to the commit
    the workspaces' counters are locked.
    """
    if len(new) >= COPIED and not entries and len({one.workspace_id for one in new}) == 1:
        return await _copy(tx, new[0].workspace_id, new)
    per_workspace = Counter(one.workspace_id for one in new)
    rows = await tx.fetch(
        _RECORD,
        list(per_workspace),
        list(per_workspace.values()),
        *response_arrays(new),
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
    # As the statement above has it.
    columns["completed_at"] = [one.completed_at or now if one.complete else None for one in new]
    filled = {name: values for name, values in columns.items() if any(v not in (None, {}) for v in values)}
    for name in _DOCUMENTS & filled.keys():
        filled[name] = [msgspec.json.encode(value).decode() for value in filled[name]]
    await tx.copy_records_to_table(
        "responses",
        columns=["workspace_id", "id", *filled],
        records=zip([workspace_id] * len(new), ids, *filled.values(), strict=True),
    )
    return ids


def _column(new: Sequence[NewResponse], name: str) -> list[Any]:
    values = list(map(_GETTERS[name], new))
    if name in _DOCUMENTS:
        values = [msgspec.json.encode(value).decode() if value else None for value in values]
    return arrays.sparse(values)


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
    where("lower(r.touchpoint) = lower({})", wanted.touchpoint)
    where("r.contact_id = {}", wanted.contact_id)
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
