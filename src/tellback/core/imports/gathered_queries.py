"""SQL that stores a batch of records which change nobody: one statement, and so one round trip."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import msgspec

from tellback.core import changes, people, responses
from tellback.core.intake import NewEntry
from tellback.core.intake import queries as intake_queries
from tellback.core.people import Draft
from tellback.storage.database import Transaction

_RESPONSES = 4
_ACTORS = _RESPONSES + responses.queries.ARRAYS
_FEED = _ACTORS + 2
_CONTACTS = _FEED + 7
_LOG = _CONTACTS + people.queries.CONTACT_ARRAYS

# $1-$3 how many responses and how many other feed rows a workspace gets, then the responses, who brought them
# over how many hubs, the other feed rows, new contacts, and the log: its first entries are those of the responses, in
# their order.
_STORE = f"""
with made as (
  {people.queries.contact_insert(_CONTACTS)}
), counted as (
  update workspace_counters c set responses = c.responses + k.n, changes = c.changes + k.n + k.others
  from unnest($1::bigint[], $2::bigint[], $3::bigint[]) as k (workspace_id, n, others)
  where c.workspace_id = k.workspace_id
  returning c.workspace_id, c.responses - k.n as responses, c.changes - k.n - k.others as changes, k.others
), placed as (
  select new.*, counted.responses + new.nth as id, counted.changes + counted.others + new.nth as seq
  from {responses.queries.response_source(_RESPONSES)} join counted using (workspace_id)
), recorded as (
  {responses.queries.response_insert()} from placed
), fed as (
  insert into changes (workspace_id, seq, kind, subject_type, subject_id, actor, data, origin)
  select counted.workspace_id, counted.changes + new.nth, new.kind, new.subject_type, new.subject_id, new.actor,
         new.data::jsonb, null
  from unnest(${_FEED}::bigint[], ${_FEED + 1}::bigint[], ${_FEED + 2}::text[], ${_FEED + 3}::text[],
              ${_FEED + 4}::text[], ${_FEED + 5}::text[], ${_FEED + 6}::text[])
    as new (workspace_id, nth, kind, subject_type, subject_id, actor, data)
  join counted using (workspace_id)
  union all
  select workspace_id, seq, 'response.recorded', 'response', id::text, by.actor,
         jsonb_build_object('survey', survey_id, 'kind', kind, 'score', score, 'complete', complete,
                            'channel', channel),
         case when by.hops > 0 then jsonb_build_object('hop', by.hops) end
  from placed
  join unnest(${_ACTORS}::text[], ${_ACTORS + 1}::int[]) with ordinality as by (actor, hops, n) using (n)
), logged as (
  {
    intake_queries.entry_insert(
        {
            "created_type": "case when placed.id is null then e.created_type else 'response' end",
            "created_id": "coalesce(placed.id::text, e.created_id)",
        }
    )
}
  from {intake_queries.entry_source(_LOG)} left join placed using (n)
)
select id from placed order by n
"""


async def store(
    tx: Transaction,
    new: Sequence[responses.NewResponse],
    actors: Sequence[str],
    hops: Sequence[int],
    contacts: Sequence[tuple[int, Draft]],
    feed: Sequence[tuple[int, changes.NewChange]],
    entries: Sequence[NewEntry],
) -> list[int]:
    """Store responses, each brought by its actor over so many hubs, and tell of them; gives their ids. One statement.

    With them go new contacts (whose ids are drawn), other feed rows, both with their workspace's id, and log
    entries, beginning with those of the responses. Meets a unique key when another made a contact meanwhile.
    """
    recorded = Counter(one.workspace_id for one in new)
    others: Counter[int] = Counter()
    nth = []
    for workspace_id, _ in feed:
        others[workspace_id] += 1
        nth.append(others[workspace_id])
    workspaces = sorted({*recorded, *others})
    rows = await tx.fetch(
        _STORE,
        workspaces,
        [recorded[one] for one in workspaces],
        [others[one] for one in workspaces],
        *responses.queries.response_arrays(new),
        actors,
        hops,
        [workspace_id for workspace_id, _ in feed],
        nth,
        [change.kind for _, change in feed],
        [change.subject_type for _, change in feed],
        [change.subject_id for _, change in feed],
        [change.actor for _, change in feed],
        [msgspec.json.encode(change.data).decode() for _, change in feed],
        *people.queries.contact_arrays(contacts),
        *intake_queries.entry_arrays(entries),
    )
    return [row["id"] for row in rows]
