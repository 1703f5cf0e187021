"""SQL of attempts: begun, finished, given back; all for many destinations at once, which the caller holds."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from tellback.core.deliveries.model import TEST, Begun, Decision, Finished, Leased, Request, Step
from tellback.core.deliveries.queries import LEASE_S, Key
from tellback.storage.database import Row, Transaction

# When a call began is told by how long ago that was, as the clocks of workers may differ.
_AT = "coalesce(clock_timestamp() - make_interval(secs => {ago}), a.at)"

# An outcome belongs to the attempt it was sent by: where a newer one was begun since, it is told nowhere.
_FINISH = f"""
with done as (
  select * from unnest($1::bigint[], $2::bigint[], $3::int[], $4::text[], $5::int[], $6::float8[], $7::float8[],
                       $8::int[], $9::text[], $10::int[], $11::text[], $12::text[], $13::text[], $14::text[],
                       $15::text[])
    as t (workspace_id, id, number, state, scheduled, next_in, ago, duration_ms,
          request, status, headers, body, error, hint, warnings)
), moved as (
  update deliveries d
  set state = case d.state when 'waiting' then done.state else d.state end,
      scheduled = done.scheduled,
      next_attempt_at = case when d.state = 'waiting' and done.state = 'waiting'
                        then now() + make_interval(secs => done.next_in) end,
      finished_at = case when d.state = 'waiting' and done.state <> 'waiting' then now() else d.finished_at end
  from done
  where d.workspace_id = done.workspace_id and d.id = done.id and d.attempts = done.number
  returning d.workspace_id, d.id
)
update attempts a
set at = {_AT.format(ago="done.ago")}, duration_ms = done.duration_ms, request = done.request::jsonb,
    status = done.status, response_headers = done.headers::jsonb, response_body = done.body, error = done.error,
    hint = done.hint, warnings = done.warnings::jsonb
from done join moved using (workspace_id, id)
where a.workspace_id = done.workspace_id and a.delivery_id = done.id and a.number = done.number
returning a.workspace_id, a.delivery_id
"""


async def finish(tx: Transaction, settled: Sequence[tuple[Finished, Decision]]) -> set[Key]:
    """Write what attempts came to; returns the deliveries (workspace, id) whose attempt was still the newest."""
    rows = await tx.fetch(_FINISH, *_columns([_finished(*one) for one in settled], 15))
    return {(row["workspace_id"], row["delivery_id"]) for row in rows}


def _finished(finished: Finished, decision: Decision) -> tuple[Any, ...]:
    begun, outcome = finished.begun, finished.outcome
    return (
        begun.workspace_id, begun.id, begun.number, decision.state, decision.scheduled, decision.next_in_s,
        _ago(finished), outcome.duration_ms, _sent(finished), outcome.status,
        _json(outcome.headers) if outcome.status else None, outcome.body, outcome.error, outcome.hint,
        _json([*begun.warnings, *(f"succeeded with warnings: {one}" for one in finished.warnings)]),
    )  # fmt: skip


def _ago(finished: Finished) -> float | None:
    return None if finished.since is None else time.monotonic() - finished.since


def _sent(finished: Finished) -> str:
    request = finished.begun.request
    return _json({"method": request.method, "url": request.url, "headers": finished.outcome.sent})


_GIVE_BACK = """
with back as (
  select * from unnest($1::bigint[], $2::bigint[], $3::int[]) as t (workspace_id, id, number)
), moved as (
  update deliveries d
  set attempts = d.attempts - 1,
      next_attempt_at = case when d.state = 'waiting' then least(d.next_attempt_at, now()) end
  from back where d.workspace_id = back.workspace_id and d.id = back.id and d.attempts = back.number
  returning back.*
)
delete from attempts a using moved
where a.workspace_id = moved.workspace_id and a.delivery_id = moved.id and a.number = moved.number
"""


async def give_back(tx: Transaction, unsent: Sequence[Begun]) -> None:
    """Take attempts back that were begun ahead and never sent: it is as if they had not been begun."""
    if unsent:
        rows = [(one.workspace_id, one.id, one.number) for one in unsent]
        await tx.execute(_GIVE_BACK, *_columns(rows, 3))


# In order: the oldest that wait, as far as one after the other is due. Free of order: whatever is due; what is begun
# is set aside for as long as a lease, so that no other call of its destination takes it as well. Test calls go first.
# From `wanted` (workspace_id, id, ordered, most) and `busy` (id: what is begun already or finished by the same
# statement). Picking ends before the first is begun, which is what the last `order by` is for: PostgreSQL does not
# mark index entries that it found dead where their page is written to meanwhile, and would walk over all that is
# done each time.
_QUEUE = """
     select workspace_id, id, next_attempt_at from deliveries
     where workspace_id = w.workspace_id and destination_id = w.id and state = 'waiting'
       and id not in (select id from busy)
"""
_PICKED = f"""
select found.* from wanted w cross join lateral (
  select workspace_id, id, ordered from (
    (select test.*, 0 as rank, w.ordered, true as turn
     from ({_QUEUE} and event_kind = '{TEST}' order by id limit 1) test)
    union all
    (select queued.*, 1, true, bool_and(next_attempt_at <= statement_timestamp()) over (order by id)
     from ({_QUEUE} and event_kind <> '{TEST}' and w.ordered order by id limit w.most) queued)
    union all
    (select free.*, 1, false, true
     from ({_QUEUE} and event_kind <> '{TEST}' and not w.ordered and next_attempt_at <= statement_timestamp()
           order by next_attempt_at, id limit w.most) free)
  ) candidates
  where turn and next_attempt_at <= statement_timestamp()
  order by rank, case when not ordered then next_attempt_at end, id limit w.most
) found
order by found.workspace_id, found.id
"""

# From `picked`.
_BEGUN = f"""
begun as (
  update deliveries d
  set attempts = d.attempts + 1,
      next_attempt_at = case when picked.ordered then d.next_attempt_at
                        else statement_timestamp() + make_interval(secs => {LEASE_S}) end
  from picked where d.workspace_id = picked.workspace_id and d.id = picked.id and d.state = 'waiting'
  returning d.workspace_id, d.destination_id, d.id, d.message_id, d.attempts, d.scheduled, d.event_kind,
            d.subject_type, d.subject_id, d.request, d.warnings, d.origin
), opened as (
  insert into attempts (workspace_id, delivery_id, number, at, request)
  select workspace_id, id, attempts, clock_timestamp(), request - 'body' from begun
)
"""

_BEGIN = f"""
with wanted as (
  select * from unnest($1::bigint[], $2::bigint[], $3::bool[], $4::int[]) as t (workspace_id, id, ordered, most)
), busy as (
  select unnest($5::bigint[]) as id
), picked as ({_PICKED}), {_BEGUN}
select * from begun order by id
"""


async def begin(
    tx: Transaction, wanted: Mapping[Key, int], ordered: Mapping[Key, bool], busy: Sequence[int]
) -> list[Begun]:
    """Write attempts of due deliveries down as begun, at most `wanted` for each destination, none of those `busy`."""
    rows = [(*key, ordered[key], most) for key, most in wanted.items()]
    return [_begun(row) for row in await tx.fetch(_BEGIN, *_columns(rows, 4), list(busy))]


# Holding, finishing and beginning at once. It sees the queues as they were before it waited for a destination, so
# that what was added meanwhile is missed here: nothing is given back by it.
_GO_ON = f"""
with asked as (
  select * from unnest($1::bigint[], $2::bigint[], $3::text[], $4::bool[], $5::int[])
    as t (workspace_id, id, owner, ordered, most)
), held as (
  select d.workspace_id, d.id, asked.ordered, asked.most,
         d.state = 'active' and d.archived_at is null
           and coalesce(d.not_before <= statement_timestamp(), true) as open
  from destinations d
  join asked on d.workspace_id = asked.workspace_id and d.id = asked.id and d.lease_owner = asked.owner
  where d.failures = 0
  order by d.workspace_id, d.id for no key update of d
), done as (
  select t.* from unnest($7::bigint[], $8::bigint[], $9::bigint[], $10::int[], $11::float8[], $12::int[],
                         $13::text[], $14::int[], $15::text[], $16::text[])
    as t (workspace_id, destination_id, id, number, ago, duration_ms, request, status, headers, body)
  join held on held.workspace_id = t.workspace_id and held.id = t.destination_id
), moved as (
  update deliveries d
  set state = case d.state when 'waiting' then 'delivered' else d.state end,
      scheduled = d.scheduled + 1, next_attempt_at = null,
      finished_at = case d.state when 'waiting' then now() else d.finished_at end
  from done
  where d.workspace_id = done.workspace_id and d.id = done.id and d.attempts = done.number
  returning done.*
), written as (
  update attempts a
  set at = {_AT.format(ago="moved.ago")}, duration_ms = moved.duration_ms, request = moved.request::jsonb,
      status = moved.status, response_headers = moved.headers::jsonb, response_body = moved.body
  from moved
  where a.workspace_id = moved.workspace_id and a.delivery_id = moved.id and a.number = moved.number
), wanted as (
  select workspace_id, id, ordered, most from held where open and most > 0
), busy as (
  select unnest($6::bigint[]) as id union all select id from moved
), picked as ({_PICKED}), {_BEGUN}
select held.workspace_id as held_workspace_id, held.id as held_id, begun.*
from held left join begun on begun.workspace_id = held.workspace_id and begun.destination_id = held.id
order by begun.id
"""


async def go_on(tx: Transaction, steps: Sequence[Step]) -> dict[Key, list[Begun]]:
    """In one statement: write down attempts that went well, and begin what the steps ask for.

    Destinations that were left out, with whatever was to be done for them, are those that have failed before,
    or whose lease another has by now.
    """
    asked: dict[Key, tuple[Leased, int]] = {}
    done, busy = [], list[int]()
    for step in steps:
        lease = step.lease
        key = lease.workspace_id, lease.id
        asked[key] = lease, asked.get(key, (lease, 0))[1] + step.begin
        done += [_went_well(lease, finished) for finished in step.finished]
        busy += step.busy
    given = [(*key, lease.owner, lease.ordered, most) for key, (lease, most) in asked.items()]
    found: dict[Key, list[Begun]] = {}
    for row in await tx.fetch(_GO_ON, *_columns(given, 5), busy, *_columns(done, 10)):
        begun = found.setdefault((row["held_workspace_id"], row["held_id"]), [])
        if row["id"] is not None:
            begun.append(_begun(row))
    return found


def _went_well(lease: Leased, finished: Finished) -> tuple[Any, ...]:
    begun, outcome = finished.begun, finished.outcome
    return (
        begun.workspace_id, lease.id, begun.id, begun.number, _ago(finished), outcome.duration_ms, _sent(finished),
        outcome.status, _json(outcome.headers), outcome.body,
    )  # fmt: skip


_request = msgspec.json.Decoder(Request).decode


def _begun(row: Row) -> Begun:
    warnings, origin = row["warnings"], row["origin"]
    return Begun(
        row["workspace_id"], row["destination_id"], row["id"], row["message_id"], row["attempts"], row["scheduled"],
        row["event_kind"], row["subject_type"], row["subject_id"], _request(row["request"]),
        () if warnings == "[]" else tuple(msgspec.json.decode(warnings)),
        {} if origin == "{}" else msgspec.json.decode(origin),
    )  # fmt: skip


def _columns(rows: Sequence[tuple[Any, ...]], width: int) -> list[list[Any]]:
    return list(map(list, zip(*rows, strict=True))) or [[] for _ in range(width)]


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
