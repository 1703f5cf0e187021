"""SQL of the queues: destinations that are leased and given back, and what is put into them.

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

from tellback.core.deliveries.definitions import Header, Webhook
from tellback.core.deliveries.model import TEST, Decision, Leased, NewDelivery, Standing
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


def _columns(rows: Sequence[tuple[Any, ...]], width: int) -> list[list[Any]]:
    return [[row[column] for row in rows] for column in range(width)]


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
