"""SQL of tickets and their timelines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import msgspec

from tellback.core.intake import NewEntry
from tellback.core.intake import queries as intake_queries
from tellback.core.projects import display_id
from tellback.core.tickets.model import Filed, NewTicket, Submitter, Ticket, TimelineItem
from tellback.storage.database import Reader, Row, Transaction

# A ticket just placed as `snapshots.document` shows it, made here because its id and times are made here; only
# for workspaces that want it. tests/core/test_tickets_snapshots.py compares the two.
_SNAPSHOT = """
jsonb_build_object(
  'id', id, 'display_id', display_id, 'project', told ->> 'project', 'type', type_key,
  'source', jsonb_build_object('channel', channel, 'key', told ->> 'source'),
  'status', status, 'status_kind', status_kind, 'subject', subject,
  'body', coalesce(body, (
    select placed."values"::jsonb ->> (element ->> 'key')
    from feedback_types ft, jsonb_array_elements(ft.elements) as element
    where ft.workspace_id = placed.workspace_id and ft.id = placed.type_id and element ->> 'role' = 'body'
    limit 1)),
  'values', "values"::jsonb,
  'submitter', (
    select jsonb_build_object(
      'contact_id', c.id, 'email', c.email, 'given', placed.submitter_given,
      'name', coalesce(pa.name, c.name, nullif(concat_ws(' ', c.first_name, c.last_name), '')))
    from contacts c
    left join participants pa on pa.workspace_id = c.workspace_id and pa.contact_id = c.id
      and pa.project_id = placed.project_id
    where c.workspace_id = placed.workspace_id and c.id = placed.submitter_id),
  'assignee', null, 'priority', null, 'tags', '[]'::jsonb, 'files', '[]'::jsonb, 'external', '{}'::jsonb,
  'sla', null, 'created_at', NOW, 'changed_at', NOW,
  'answered_at', case status_kind when 'answered' then NOW end,
  'closed_at', case status_kind when 'closed' then NOW end, 'deleted', false)
""".replace(
    "NOW", """replace(to_char(now() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), '.000000Z', 'Z')"""
)

# A whole batch of tickets in one statement: numbers, tickets, timelines, feed and log together, because each
# statement more costs a round trip under the workspace's lock (docs/decisions/0003).
# $1-$5 how many tickets a workspace and a feedback type get, $6-$25 the tickets, from $26 their log entries. Numbers
# are given by functions, whose price of waiting is small (migration 0010); the second waits for the first's lock.
#
# Said twice, with snapshots and without: what makes them costs a little even where none is made.
_FILE = """
with counted as materialized (
  select w.id as workspace_id, c.tickets, c.changes, w.automated
  from unnest($1::bigint[], $2::bigint[]) as k (workspace_id, n)
  join workspaces w on w.id = k.workspace_id
  cross join lateral number_tickets(w.id, k.n) as c
), numbered as materialized (
  select counted.workspace_id, k.type_id, c.tickets
  from unnest($3::bigint[], $4::bigint[], $5::bigint[]) as k (workspace_id, type_id, n)
  join counted using (workspace_id)
  cross join lateral number_tickets_of_type(counted.workspace_id, k.type_id, k.n) as c (tickets)
), placed as (
  select new.*, counted.tickets + new.nth as id, numbered.tickets + new.nth_of_type as number,
         counted.changes + new.nth as seq, counted.automated, new.about::jsonb as told,
         prefix || '-' || lpad((numbered.tickets + new.nth_of_type)::text,
           greatest(digits, length((numbered.tickets + new.nth_of_type)::text))::int, '0') as display_id
  from unnest($6::bigint[], $7::bigint[], $8::bigint[], $9::text[], $10::bigint[], $11::text[], $12::text[],
              $13::bigint[], $14::text[], $15::text[], $16::text[], $17::text[], $18::text[], $19::bigint[],
              $20::text[], $21::text[], $22::text[], $23::text[], $24::bigint[], $25::bigint[]) with ordinality
    as new (workspace_id, project_id, type_id, prefix, digits, type_key, channel,
            source_id, status, status_kind, subject, body, "values", submitter_id,
            submitter_given, actor, about, origin, nth, nth_of_type, n)
  join counted using (workspace_id)
  join numbered using (workspace_id, type_id)
), filed as (
  insert into tickets (workspace_id, id, project_id, type_id, number, channel, source_id, status, status_kind,
                       subject, body, "values", submitter_id, submitter_given, answered_at, first_answered_at,
                       closed_at)
  select workspace_id, id, project_id, type_id, number, channel, source_id, status, status_kind,
         subject, body, "values"::jsonb, submitter_id, submitter_given,
         case status_kind when 'answered' then now() end, case status_kind when 'answered' then now() end,
         case status_kind when 'closed' then now() end
  from placed
), told as (
  insert into timeline (workspace_id, ticket_id, actor, kind, note)
  select workspace_id, id, actor, 'created', 'Ticket ' || display_id || ' was created by ' || actor from placed
), fed as (
  insert into changes (workspace_id, seq, kind, subject_type, subject_id, actor, data, snapshot, origin)
  select workspace_id, seq, 'ticket.created', 'ticket', id::text, actor,
         told || jsonb_build_object('display_id', display_id),
         SNAPSHOT, case when automated then origin::jsonb end
  from placed
), logged as (
  LOGGED
)
select id, number from placed order by n
""".replace(
    "LOGGED",
    intake_queries.entry_insert({"created_type": "'ticket'", "created_id": "placed.id::text"})
    + f" from {intake_queries.entry_source(26)} join placed using (n)",
)
_FILE_PLAIN = _FILE.replace("SNAPSHOT", "null::jsonb")
_FILE_TOLD = _FILE.replace("SNAPSHOT", f"case when automated then {_SNAPSHOT} end")


async def file_many(
    tx: Transaction, tickets: Sequence[NewTicket], entries: Sequence[NewEntry]
) -> list[Filed]:
    """Store tickets with their timelines, feed rows and log entries; one statement."""
    per_workspace: Counter[int] = Counter()
    per_type: Counter[tuple[int, int]] = Counter()
    nth, nth_of_type = [], []
    for ticket in tickets:
        per_workspace[ticket.workspace_id] += 1
        per_type[ticket.workspace_id, ticket.type_id] += 1
        nth.append(per_workspace[ticket.workspace_id])
        nth_of_type.append(per_type[ticket.workspace_id, ticket.type_id])
    rows = await tx.fetch(
        _FILE_TOLD if any(ticket.automated for ticket in tickets) else _FILE_PLAIN,
        list(per_workspace),
        list(per_workspace.values()),
        [workspace_id for workspace_id, _ in per_type],
        [type_id for _, type_id in per_type],
        list(per_type.values()),
        [t.workspace_id for t in tickets],
        [t.project_id for t in tickets],
        [t.type_id for t in tickets],
        [t.prefix for t in tickets],
        [t.digits for t in tickets],
        [t.type_key for t in tickets],
        [t.channel for t in tickets],
        [t.source_id for t in tickets],
        [t.status for t in tickets],
        [t.status_kind for t in tickets],
        [t.subject for t in tickets],
        [t.body for t in tickets],
        [_json(t.values) for t in tickets],
        [t.submitter_id for t in tickets],
        [t.submitter_given for t in tickets],
        [t.actor for t in tickets],
        [
            _json({"project": t.project_key, "type": t.type_key, "status": t.status, "source": t.source_key})
            for t in tickets
        ],
        [None if t.origin is None else _json(t.origin) for t in tickets],
        nth,
        nth_of_type,
        *intake_queries.entry_arrays(entries),
    )
    return [
        Filed(row["id"], display_id(ticket.prefix, ticket.digits, row["number"]))
        for ticket, row in zip(tickets, rows, strict=True)
    ]


_TICKET = """
select t.*, ft.key as type_key, ft.prefix, ft.digits, ft.elements, p.key as project_key,
       case t.channel when 'survey' then t.source_id::text
         when 'page' then (select g.key from pages g where g.workspace_id = t.workspace_id and g.id = t.source_id)
         else s.key end as source_key,
       c.email as submitter_email, m.email as assignee_email,
       coalesce(pa.name, c.name, nullif(concat_ws(' ', c.first_name, c.last_name), '')) as submitter_name
from tickets t
join feedback_types ft on ft.workspace_id = t.workspace_id and ft.id = t.type_id
join projects p on p.workspace_id = t.workspace_id and p.id = t.project_id
left join external_sources s on s.workspace_id = t.workspace_id and s.id = t.source_id
  and t.channel = 'external_source'
left join contacts c on c.workspace_id = t.workspace_id and c.id = t.submitter_id
left join participants pa on pa.workspace_id = t.workspace_id and pa.project_id = t.project_id
  and pa.contact_id = t.submitter_id
left join members m on m.workspace_id = t.workspace_id and m.id = t.assignee_id
"""


async def by_id(reader: Reader, workspace_id: int, ticket_id: int) -> Ticket | None:
    """A ticket without its files and timeline; deleted ones too."""
    row = await reader.fetchrow(f"{_TICKET} where t.workspace_id = $1 and t.id = $2", workspace_id, ticket_id)
    return _ticket(row) if row else None


async def by_ids(reader: Reader, workspace_id: int, ids: Sequence[int]) -> list[Ticket]:
    """Tickets without their files and timelines; deleted ones too."""
    rows = await reader.fetch(
        f"{_TICKET} where t.workspace_id = $1 and t.id = any($2::bigint[])", workspace_id, list(ids)
    )
    return [_ticket(row) for row in rows]


async def by_number(reader: Reader, workspace_id: int, prefix: str, number: int) -> Ticket | None:
    """A ticket by the parts of its display id; the prefix without regard to case."""
    row = await reader.fetchrow(
        f"{_TICKET} where t.workspace_id = $1 and t.number = $3 and t.type_id in "
        "(select id from feedback_types where workspace_id = $1 and lower(prefix) = lower($2)) "
        "order by t.id limit 1",
        workspace_id, prefix, number,
    )  # fmt: skip
    return _ticket(row) if row else None


async def timeline(reader: Reader, workspace_id: int, ticket_id: int) -> list[TimelineItem]:
    """What happened to a ticket, oldest first."""
    rows = await reader.fetch(
        "select id, at, actor, kind, note from timeline where workspace_id = $1 and ticket_id = $2 order by id",
        workspace_id, ticket_id,
    )  # fmt: skip
    return [TimelineItem(**row) for row in rows]


async def touch_many(tx: Transaction, workspace_ids: Sequence[int], ticket_ids: Sequence[int]) -> None:
    """Raise the change counter of tickets, in one order everywhere so that two batches cannot wait for each other."""
    await tx.execute(
        """
        with mine as (
          select t.workspace_id, t.id from tickets t
          join (select distinct * from unnest($1::bigint[], $2::bigint[]) as k (workspace_id, id)) k
            using (workspace_id, id)
          order by t.workspace_id, t.id for update of t
        )
        update tickets t set revision = t.revision + 1, changed_at = now()
        from mine where t.workspace_id = mine.workspace_id and t.id = mine.id
        """,
        list(workspace_ids),
        list(ticket_ids),
    )


async def add_timeline(tx: Transaction, items: Sequence[tuple[int, int, str, str, str]]) -> None:
    """Append (workspace id, ticket id, actor, kind, note)."""
    await tx.execute(
        """
        insert into timeline (workspace_id, ticket_id, actor, kind, note)
        select * from unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::text[])
        """,
        *([item[column] for item in items] for column in range(5)),
    )


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _ticket(row: Row) -> Ticket:
    values = msgspec.json.decode(row["values"])
    submitter = None
    if row["submitter_id"] is not None:
        submitter = Submitter(
            row["submitter_id"], row["submitter_email"], row["submitter_name"], row["submitter_given"]
        )
    body = row["body"]
    if body is None:
        holder = next(
            (e["key"] for e in msgspec.json.decode(row["elements"]) if e.get("role") == "body"), None
        )
        body = values.get(holder)
    return Ticket(
        id=row["id"],
        display_id=display_id(row["prefix"], row["digits"], row["number"]),
        project=row["project_key"],
        type=row["type_key"],
        type_id=row["type_id"],
        project_id=row["project_id"],
        channel=row["channel"],
        source=row["source_key"],
        status=row["status"],
        status_kind=row["status_kind"],
        subject=row["subject"],
        body=body,
        values=values,
        submitter=submitter,
        given=row["submitter_given"],
        assignee=row["assignee_email"],
        priority=row["priority"],
        tags=row["tags"],
        external=msgspec.json.decode(row["external"]),
        sla=msgspec.json.decode(row["sla"])
        if row["sla"] and row["sla_revision"] >= row["revision"]
        else None,
        created_at=row["created_at"],
        changed_at=row["changed_at"],
        answered_at=row["answered_at"],
        closed_at=row["closed_at"],
        deleted=row["deleted_at"] is not None,
    )
