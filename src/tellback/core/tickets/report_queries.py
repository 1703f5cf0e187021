"""SQL of reports and dirty marks.

A ticket is dirty while `revision > reported` (docs/decisions/0015). A report is one statement, so its revision and
everything else in it are of one snapshot.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import lru_cache

import msgspec

from tellback.core.projects import display_id
from tellback.core.tickets.report_model import LARGEST_ID, Action, Marking, Reply, Report, Seen
from tellback.storage.database import Reader, Row, Transaction

# Laterals with a limit are looked up row by row, by key, whatever the planner believes of the tables' sizes (and for
# the same reason there is no `exists`, which it may answer from a hash of a whole table). The
# ticket's asks for an order that its primary key alone has: on a table that was never analyzed any index would do,
# and that plan may be kept while the table grows. Kept it must be: to plan this anew takes ten times as long as to
# run it, and PostgreSQL would, if it could see how few are wanted each time, as it does of arrays.
_REPORTS = """
select t.*, ft.prefix, ft.digits, ft.elements, (ft.sla ->> 'handling')::bigint as handling_s,
       p.key as project_key, p.name as project_name, s.key as source_key, c.email as submitter_email,
       coalesce(pa.name, c.name, nullif(concat_ws(' ', c.first_name, c.last_name), '')) as submitter_name,
       m.name as assignee_name, a.id as answer_id, a.subject as answer_subject, a.body as answer_body,
       a.page_token, a.page_definition ->> 'text' as question, a.opinion_text, a.opinion_value
from jsonb_to_recordset($1::jsonb) as wanted (workspace_id bigint, id bigint)
cross join lateral (
  select t.workspace_id, t.id, t.number, t.type_id, t.project_id, t.channel, t.source_id, t.status, t.status_kind,
         t.subject, t.body, t."values", t.submitter_id, t.assignee_id, t.priority, t.revision, t.reported,
         t.created_at, t.answered_at, t.closed_at, t.acquired_by is not null as acquired,
         t.deleted_at is not null as deleted, t.forwarded, t.sla, t.sla_revision,
         coalesce(t.thread_id, t.id) as thread_id,
         coalesce(t.thread_id, (
           select min(o.id + 0) from tickets o where o.workspace_id = t.workspace_id and o.thread_id = t.id
         )) as other_of_thread,
         (
           select true from tickets o
           where o.workspace_id = t.workspace_id and o.thread_id = coalesce(t.thread_id, t.id) and o.reply_to = t.id
           limit 1
         ) is not null as replied_to,
         (select count(*) from files f where f.workspace_id = t.workspace_id and f.ticket_id = t.id) as files,
         (select json_agg(
            json_build_array(l.id, l.note, l.actor, floor(extract(epoch from l.at))::bigint) order by l.id)
          from timeline l where l.workspace_id = t.workspace_id and l.ticket_id = t.id)::text as actions,
         case when t.tags <> '{}' then (
           select json_agg(json_build_array(coalesce(g.id, 0), tag.name) order by tag.n)
           from unnest(t.tags) with ordinality as tag (name, n)
           left join lateral (
             select id from tags x where x.workspace_id = t.workspace_id and x.name = tag.name limit 1
           ) g on true
         ) end::text as tags,
         (
           select true from answers x
           where x.workspace_id = t.workspace_id and x.ticket_id = t.id and x.deleted_at is not null limit 1
         ) is not null as reply_withdrawn
  from tickets t where t.workspace_id = wanted.workspace_id and t.id >= wanted.id order by t.id limit 1
) t
cross join lateral (
  select prefix, digits, elements, sla from feedback_types x
  where x.workspace_id = t.workspace_id and x.id = t.type_id limit 1
) ft
cross join lateral (
  select key, name from projects x where x.workspace_id = t.workspace_id and x.id = t.project_id limit 1
) p
left join lateral (
  select key from external_sources x
  where t.channel = 'external_source' and x.workspace_id = t.workspace_id and x.id = t.source_id limit 1
) s on true
left join lateral (
  select email, name, first_name, last_name from contacts x
  where x.workspace_id = t.workspace_id and x.id = t.submitter_id limit 1
) c on true
left join lateral (
  select name from participants x
  where x.workspace_id = t.workspace_id and x.project_id = t.project_id and x.contact_id = t.submitter_id limit 1
) pa on true
left join lateral (
  select name from members x where x.workspace_id = t.workspace_id and x.id = t.assignee_id limit 1
) m on true
left join lateral (
  select * from answers x
  where x.workspace_id = t.workspace_id and x.ticket_id = t.id and x.deleted_at is null order by x.id desc limit 1
) a on true
where t.id = wanted.id
"""


async def reports(reader: Reader, wanted: Sequence[tuple[int, int]]) -> Mapping[tuple[int, int], Report]:
    """Reports by workspace and ticket id, deleted tickets too; one statement."""
    keys = [{"workspace_id": workspace_id, "id": id} for workspace_id, id in dict.fromkeys(wanted)]
    rows = await reader.fetch(_REPORTS, msgspec.json.encode(keys).decode())
    return {(row["workspace_id"], row["id"]): _report(row) for row in rows}


# Walks the index of the dirty ones alone. The server writes the list, for it may be millions long.
_DIRTY = """
select array_to_json(array(
  select id from tickets where workspace_id = $1 and revision > reported order by id
))::text
"""


async def dirty(reader: Reader, workspace_id: int) -> str:
    """The ids of the workspace's dirty tickets, ascending, as a JSON list."""
    listed: str = await reader.fetchval(_DIRTY, workspace_id)
    return listed


# The rows are locked in the order of the arrays, which is one order everywhere, so that two batches cannot wait for
# each other; each is looked up by its key, however many there are.
_LOCKED = """
  cross join lateral (
    select workspace_id, id from tickets x where x.workspace_id = k.workspace_id and x.id = k.id for update
  ) t
"""

# `greatest`, so that of two readers the one that saw less never takes the other's word back.
_CLEAR = f"""
with mine as (
  select t.workspace_id, t.id, k.revision
  from unnest($1::bigint[], $2::bigint[], $3::bigint[]) as k (workspace_id, id, revision)
  {_LOCKED}
)
update tickets t set reported = greatest(t.reported, mine.revision)
from mine where t.workspace_id = mine.workspace_id and t.id = mine.id
"""


async def clear(tx: Transaction, seen: Sequence[Seen]) -> None:
    """Tickets were reported at these revisions; what has changed since stays dirty. One statement."""
    newest: dict[tuple[int, int], int] = {}
    for one in seen:
        key = one.workspace_id, one.ticket_id
        newest[key] = max(one.revision, newest.get(key, 0))
    ordered = sorted(newest)
    await tx.execute(
        _CLEAR, [one for one, _ in ordered], [one for _, one in ordered], [newest[key] for key in ordered]
    )


_UNKNOWN = """
select w.marking, w.place
from unnest($1::bigint[], $2::bigint[], $3::int[], $4::int[]) as w (workspace_id, id, marking, place)
left join lateral (
  select true as there from tickets t where t.workspace_id = w.workspace_id and t.id = w.id limit 1
) t on true
where t.there is null order by w.marking, w.place
"""


async def unknown(tx: Transaction, markings: Sequence[Marking]) -> list[list[int]]:
    """For each marking the places of tickets that are not there, ascending from 0."""
    rows = await tx.fetch(
        _UNKNOWN,
        [one.workspace_id for one in markings for _ in one.ticket_ids],
        [id if id <= LARGEST_ID else 0 for one in markings for id in one.ticket_ids],
        [number for number, one in enumerate(markings) for _ in one.ticket_ids],
        [place for one in markings for place in range(len(one.ticket_ids))],
    )
    found: list[list[int]] = [[] for _ in markings]
    for row in rows:
        found[row["marking"]].append(row["place"])
    return found


_MARK = f"""
with mine as (
  select t.workspace_id, t.id from unnest($1::bigint[], $2::bigint[]) as k (workspace_id, id)
  {_LOCKED}
)
update tickets t
set revision = t.revision + 1,
    sla_revision = case when t.sla_revision = t.revision then t.revision + 1 else t.sla_revision end
from mine where t.workspace_id = mine.workspace_id and t.id = mine.id
"""


async def mark(tx: Transaction, markings: Sequence[Marking]) -> None:
    """Make tickets dirty without changing them: the counter moves, and what was computed for it stays valid."""
    wanted = sorted({(one.workspace_id, ticket_id) for one in markings for ticket_id in one.ticket_ids})
    await tx.execute(
        _MARK, [workspace_id for workspace_id, _ in wanted], [ticket_id for _, ticket_id in wanted]
    )


@lru_cache(maxsize=1024)
def _body_element(elements: str) -> str | None:
    """The key of the element that holds a ticket's body, of a feedback type's elements."""
    return next((e["key"] for e in msgspec.json.decode(elements) if e.get("role") == "body"), None)


def _report(row: Row) -> Report:
    decode = msgspec.json.decode
    body = row["body"]
    if body is None:
        element = _body_element(row["elements"])
        body = decode(row["values"]).get(element) if element else None
    created_at, handling_s = row["created_at"], row["handling_s"]
    current = row["sla"] is not None and row["sla_revision"] == row["revision"]
    return Report(
        workspace_id=row["workspace_id"],
        id=row["id"],
        display_id=display_id(row["prefix"], row["digits"], row["number"]),
        revision=row["revision"],
        reported=row["reported"],
        project_id=row["project_id"],
        project=row["project_key"],
        project_name=row["project_name"],
        channel=row["channel"],
        source=row["source_key"],
        status=row["status"],
        status_kind=row["status_kind"],
        subject=row["subject"],
        body=body or "",
        priority=row["priority"],
        submitter_email=row["submitter_email"],
        submitter_name=row["submitter_name"],
        assignee_id=row["assignee_id"],
        assignee_name=row["assignee_name"],
        created_at=created_at,
        answered_at=row["answered_at"],
        promised_at=created_at + timedelta(seconds=handling_s) if handling_s else None,
        acquired=row["acquired"],
        closed=row["closed_at"] is not None or row["status_kind"] == "closed",
        deleted=row["deleted"],
        answered=row["answered_at"] is not None or row["status_kind"] == "answered",
        forwarded=row["forwarded"],
        thread_id=row["thread_id"],
        other_of_thread=row["other_of_thread"],
        replied_to=row["replied_to"],
        files=row["files"],
        actions=tuple(Action(*one) for one in decode(row["actions"] or "[]")),
        tags=tuple((one[0], one[1]) for one in decode(row["tags"] or "[]")),
        reply=_reply(row),
        reply_withdrawn=row["reply_withdrawn"],
        sla=decode(row["sla"]) if current else None,
    )


def _reply(row: Row) -> Reply | None:
    if row["answer_id"] is None:
        return None
    return Reply(
        row["answer_subject"],
        row["answer_body"],
        row["page_token"],
        row["question"],
        row["opinion_text"],
        row["opinion_value"],
    )
