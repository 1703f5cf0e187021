"""SQL of the queues: what workers do to destinations, deliveries and attempts.

Whoever adds to a queue or gives its destination back locks the destination's row first. So a release, which
looks for the next due delivery, cannot miss one that is being added. Rows are locked in the order tickets,
destinations, deliveries, workspace counter.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from tellback.core.automation.delivery_model import (
    TEST,
    Begun,
    Decision,
    Finished,
    Leased,
    NewDelivery,
    Request,
    Standing,
    Step,
)
from tellback.core.automation.model import Header, Webhook
from tellback.storage.database import Row, Transaction

Key = tuple[int, int]

#: A worker that stopped without a word loses its destinations after so long; then others take them.
LEASE_S = 30.0

_CLAIM = """
with due as (
  select workspace_id, id from destinations
  where next_at <= now() and state = 'active' and archived_at is null
    and (lease_until is null or lease_until < now())
  order by next_at limit $3 for no key update skip locked
)
update destinations d set lease_owner = $1, lease_until = now() + make_interval(secs => $2)
from due where d.workspace_id = due.workspace_id and d.id = due.id
returning d.workspace_id, d.id, d.kind, d.key, d.definition, d.secrets
"""


async def claim(tx: Transaction, owner: str, most: int) -> list[Leased]:
    """Lease destinations whose queue is due, those that wait longest first."""
    return [_leased(row, owner) for row in await tx.fetch(_CLAIM, owner, LEASE_S, most)]


async def renew(tx: Transaction, owner: str, held: Iterable[Key]) -> None:
    """Hold the leases for as long as from now."""
    keys = list(held)
    await tx.execute(
        """
        update destinations d set lease_until = now() + make_interval(secs => $2)
        from unnest($3::bigint[], $4::bigint[]) as k (workspace_id, id)
        where d.workspace_id = k.workspace_id and d.id = k.id and d.lease_owner = $1
        """,
        owner, LEASE_S, *_columns(keys, 2),
    )  # fmt: skip


async def let_go(tx: Transaction, owner: str) -> None:
    """Give back whatever `owner` still holds, to be looked at by others at once."""
    await tx.execute(
        """
        update destinations set lease_owner = null, lease_until = null, next_at = least(next_at, now())
        where lease_owner = $1
        """,
        owner,
    )


async def hold(tx: Transaction, leases: Mapping[Key, Leased]) -> dict[Key, Standing]:
    """Lock destinations and tell how they stand; those whose lease another has by now are left out."""
    rows = await tx.fetch(
        """
        select d.workspace_id, d.id, d.failures, coalesce(extract(epoch from now() - d.failing_since), 0) as failing_s,
               d.state = 'active' and d.archived_at is null
                 and coalesce(d.not_before <= statement_timestamp(), true) as open
        from destinations d
        join unnest($1::bigint[], $2::bigint[], $3::text[]) as k (workspace_id, id, owner)
          on d.workspace_id = k.workspace_id and d.id = k.id and d.lease_owner = k.owner
        order by d.workspace_id, d.id for no key update of d
        """,
        *_columns([(*key, lease.owner) for key, lease in leases.items()], 3),
    )
    return {
        (key := (row["workspace_id"], row["id"])): Standing(
            row["open"], leases[key].ordered, row["failures"], float(row["failing_s"])
        )
        for row in rows
    }


# An outcome belongs to the attempt it was sent by: where a newer one was begun since, it is told nowhere.
_FINISH = """
with done as (
  select * from unnest($1::bigint[], $2::bigint[], $3::int[], $4::text[], $5::int[], $6::float8[], $7::int[],
                       $8::text[], $9::int[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[])
    as t (workspace_id, id, number, state, scheduled, next_in, duration_ms,
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
set duration_ms = done.duration_ms, request = done.request::jsonb, status = done.status,
    response_headers = done.headers::jsonb, response_body = done.body, error = done.error, hint = done.hint,
    warnings = done.warnings::jsonb
from done join moved using (workspace_id, id)
where a.workspace_id = done.workspace_id and a.delivery_id = done.id and a.number = done.number
returning a.workspace_id, a.delivery_id
"""


async def finish(tx: Transaction, settled: Sequence[tuple[Finished, Decision]]) -> set[Key]:
    """Write what attempts came to; returns the deliveries (workspace, id) whose attempt was still the newest."""
    rows = await tx.fetch(_FINISH, *_columns([_finished(*one) for one in settled], 14))
    return {(row["workspace_id"], row["delivery_id"]) for row in rows}


def _finished(finished: Finished, decision: Decision) -> tuple[Any, ...]:
    begun, outcome = finished.begun, finished.outcome
    request = {"method": begun.request.method, "url": begun.request.url, "headers": outcome.sent}
    return (
        begun.workspace_id, begun.id, begun.number, decision.state, decision.scheduled, decision.next_in_s,
        outcome.duration_ms, _json(request), outcome.status,
        _json(outcome.headers) if outcome.status else None, outcome.body, outcome.error, outcome.hint,
        _json([*begun.warnings, *finished.warnings]),
    )  # fmt: skip


async def stand(tx: Transaction, decisions: Mapping[Key, Decision], fresh: set[Key]) -> None:
    """Write how destinations stand; for those in `fresh` the time of failing begins now."""
    await tx.execute(
        """
        update destinations d
        set failures = t.failures,
            failing_since = case when t.failures = 0 then null when t.fresh then now()
                            else coalesce(d.failing_since, now()) end,
            not_before = case when t.pause > 0 then statement_timestamp() + make_interval(secs => t.pause)
                         else d.not_before end,
            state = case when t.disabled is null then d.state else 'disabled' end,
            reason = coalesce(t.disabled, d.reason),
            disabled_at = case when t.disabled is null then d.disabled_at else now() end
        from unnest($1::bigint[], $2::bigint[], $3::int[], $4::bool[], $5::float8[], $6::text[])
          as t (workspace_id, id, failures, fresh, pause, disabled)
        where d.workspace_id = t.workspace_id and d.id = t.id
        """,
        *_columns(
            [(*key, one.failures, key in fresh, one.pause_s, one.disabled) for key, one in decisions.items()],
            6,
        ),
    )


# In order: the oldest that waits, once it is due. Free of order: whatever is due; what is begun is set aside
# for as long as a lease, so that no other call of its destination takes it as well. Test calls go first.
# From `wanted` (workspace_id, id, ordered, most, done: deliveries that the same statement finishes). Picking ends
# before the first is begun, which is what the last `order by` is for: PostgreSQL does not mark index entries that
# it found dead where their page is written to meanwhile, and would walk over all that is done each time.
_PICKED = f"""
select found.* from wanted w cross join lateral (
  select * from (
    (select workspace_id, id, next_attempt_at, 0 as rank, w.ordered from deliveries
     where workspace_id = w.workspace_id and destination_id = w.id and state = 'waiting'
       and event_kind = '{TEST}' and id <> all(w.done) order by id limit 1)
    union all
    (select workspace_id, id, next_attempt_at, 1, true from deliveries
     where workspace_id = w.workspace_id and destination_id = w.id and state = 'waiting'
       and event_kind <> '{TEST}' and w.ordered and id <> all(w.done) order by id limit 1)
    union all
    (select workspace_id, id, next_attempt_at, 1, false from deliveries
     where workspace_id = w.workspace_id and destination_id = w.id and state = 'waiting'
       and event_kind <> '{TEST}' and not w.ordered and next_attempt_at <= statement_timestamp()
       and id <> all(w.done) order by next_attempt_at, id limit w.most)
  ) candidates
  where next_attempt_at <= statement_timestamp() order by rank, next_attempt_at, id limit w.most
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
  select t.*, '{{}}'::bigint[] as done
  from unnest($1::bigint[], $2::bigint[], $3::bool[], $4::int[]) as t (workspace_id, id, ordered, most)
), picked as ({_PICKED}), {_BEGUN}
select * from begun order by id
"""


async def begin(tx: Transaction, wanted: Mapping[Key, int], ordered: Mapping[Key, bool]) -> list[Begun]:
    """Write attempts of due deliveries down as begun, at most `wanted` for each destination."""
    rows = await tx.fetch(_BEGIN, *_columns([(*key, ordered[key], most) for key, most in wanted.items()], 4))
    return [_begun(row) for row in rows]


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
  select t.* from unnest($6::bigint[], $7::bigint[], $8::bigint[], $9::int[], $10::int[], $11::text[], $12::int[],
                         $13::text[], $14::text[])
    as t (workspace_id, destination_id, id, number, duration_ms, request, status, headers, body)
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
  set duration_ms = moved.duration_ms, request = moved.request::jsonb, status = moved.status,
      response_headers = moved.headers::jsonb, response_body = moved.body
  from moved
  where a.workspace_id = moved.workspace_id and a.delivery_id = moved.id and a.number = moved.number
), wanted as (
  select workspace_id, id, ordered, most, coalesce((select array_agg(moved.id) from moved), '{{}}') as done
  from held where open and most > 0
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
    done = []
    for step in steps:
        lease = step.lease
        key = lease.workspace_id, lease.id
        asked[key] = lease, asked.get(key, (lease, 0))[1] + step.begin
        if step.finished is not None:
            done.append(_went_well(lease, step.finished))
    given = [(*key, lease.owner, lease.ordered, most) for key, (lease, most) in asked.items()]
    found: dict[Key, list[Begun]] = {}
    for row in await tx.fetch(_GO_ON, *_columns(given, 5), *_columns(done, 9)):
        begun = found.setdefault((row["held_workspace_id"], row["held_id"]), [])
        if row["id"] is not None:
            begun.append(_begun(row))
    return found


def _went_well(lease: Leased, finished: Finished) -> tuple[Any, ...]:
    begun, outcome = finished.begun, finished.outcome
    request = {"method": begun.request.method, "url": begun.request.url, "headers": outcome.sent}
    return (
        begun.workspace_id, lease.id, begun.id, begun.number, outcome.duration_ms, _json(request), outcome.status,
        _json(outcome.headers), outcome.body,
    )  # fmt: skip


_RELEASE = f"""
update destinations d
set lease_owner = null, lease_until = null,
    next_at = (
      select case when min(waiting.at) is not null then greatest(min(waiting.at), d.not_before) end from (
        (select next_attempt_at as at from deliveries
         where workspace_id = d.workspace_id and destination_id = d.id and state = 'waiting'
           and event_kind = '{TEST}' order by id limit 1)
        union all
        (select next_attempt_at from deliveries
         where workspace_id = d.workspace_id and destination_id = d.id and state = 'waiting'
           and event_kind <> '{TEST}' and t.ordered order by id limit 1)
        union all
        (select next_attempt_at from deliveries
         where workspace_id = d.workspace_id and destination_id = d.id and state = 'waiting' and not t.ordered
         order by next_attempt_at limit 1)
      ) waiting
    )
from unnest($1::bigint[], $2::bigint[], $3::bool[]) as t (workspace_id, id, ordered)
where d.workspace_id = t.workspace_id and d.id = t.id
"""


async def release(tx: Transaction, held: Mapping[Key, bool]) -> None:
    """Give back destinations that are held (and locked); the values say which keep their order."""
    await tx.execute(_RELEASE, *_columns([(*key, ordered) for key, ordered in held.items()], 3))


async def wait_for_disk(tx: Transaction) -> None:
    """Have this transaction committed to disk, whatever its connection does otherwise.

    A change that a reader has seen must not be lost: another would get its number.
    """
    await tx.execute("set local synchronous_commit = on")


async def slug(tx: Transaction, workspace_id: int) -> str:
    """What a workspace is called, as the subject of changes to its configuration."""
    name: str = await tx.fetchval("select slug from workspaces where id = $1", workspace_id)
    return name


async def lock_destinations(tx: Transaction, workspace_id: int, ids: Iterable[int]) -> None:
    await tx.execute(
        "select from destinations where workspace_id = $1 and id = any($2::bigint[]) order by id for no key update",
        workspace_id, list(ids),
    )  # fmt: skip


async def wake(tx: Transaction, workspace_id: int, ids: Iterable[int], in_s: float = 0.0) -> None:
    """Have the queues of destinations (locked) looked at in so many seconds at the latest."""
    await tx.execute(
        """
        update destinations
        set next_at = greatest(least(next_at, now() + make_interval(secs => $3)), not_before)
        where workspace_id = $1 and id = any($2::bigint[])
        """,
        workspace_id, list(ids), in_s,
    )  # fmt: skip


async def add(
    tx: Transaction, workspace_id: int, new: Sequence[NewDelivery], first_s: float = 0.0
) -> list[int]:
    """Put requests into their destinations' queues, to be sent in `first_s` seconds; their ids, in order."""
    if not new:
        return []
    destinations = {one.destination_id for one in new}
    await lock_destinations(tx, workspace_id, destinations)
    rows = await tx.fetch(
        """
        insert into deliveries (workspace_id, destination_id, message_id, event_seq, event_kind, event_at,
                                subject_type, subject_id, request, warnings, origin, next_attempt_at)
        select $1, destination_id, message_id, event_seq, event_kind, event_at, subject_type, subject_id,
               request::jsonb, warnings::jsonb, origin::jsonb, now() + make_interval(secs => $2)
        from unnest($3::bigint[], $4::text[], $5::bigint[], $6::text[], $7::timestamptz[], $8::text[], $9::text[],
                    $10::text[], $11::text[], $12::text[]) with ordinality
          as t (destination_id, message_id, event_seq, event_kind, event_at, subject_type, subject_id, request,
                warnings, origin, n)
        order by n returning id
        """,
        workspace_id, first_s, *_columns([_new(one) for one in new], 10),
    )  # fmt: skip
    await wake(tx, workspace_id, destinations, first_s)
    return [row["id"] for row in rows]


def _new(one: NewDelivery) -> tuple[Any, ...]:
    return (
        one.destination_id, f"msg_{secrets.token_hex(16)}", one.event_seq, one.event_kind, one.event_at,
        one.subject_type, one.subject_id, _json(one.request), _json(one.warnings), _json(one.origin),
    )  # fmt: skip


def _leased(row: Row, owner: str) -> Leased:
    headers: list[Header] = []
    returned: tuple[Any, ...] = ()
    ordered = True
    if row["kind"] == "webhook":
        webhook = msgspec.json.decode(row["definition"], type=Webhook)
        headers = [header for header in webhook.headers if header.secret]
        named = {header.name.lower() for header in webhook.headers}
        if webhook.basic_auth is not None and "authorization" not in named:  # a header says it more exactly
            both = f"{webhook.basic_auth.username}:{webhook.basic_auth.password}"
            headers.append(
                Header("Authorization", f"Basic {base64.b64encode(both.encode()).decode()}", secret=True)
            )
        returned, ordered = webhook.return_values, webhook.ordered
    return Leased(
        row["workspace_id"], row["id"], owner, row["kind"], row["key"], ordered, tuple(headers),
        tuple(row["secrets"]), returned,
    )  # fmt: skip


def _begun(row: Row) -> Begun:
    return Begun(
        row["workspace_id"], row["destination_id"], row["id"], row["message_id"], row["attempts"], row["scheduled"],
        row["event_kind"], row["subject_type"], row["subject_id"],
        msgspec.json.decode(row["request"], type=Request), tuple(msgspec.json.decode(row["warnings"])),
        msgspec.json.decode(row["origin"]),
    )  # fmt: skip


def _columns(rows: Sequence[tuple[Any, ...]], width: int) -> list[list[Any]]:
    return [[row[column] for row in rows] for column in range(width)]


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
