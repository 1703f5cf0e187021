"""SQL of keeping `sla` up to date."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec

from tellback.core.projects import Promise
from tellback.core.tickets.sla import Course, Sla
from tellback.storage.database import Reader, Row, Transaction


@dataclass(frozen=True, slots=True)
class Standing:
    """A ticket as its SLA sees it. `shown` is what was computed last."""

    id: int
    display_id: str
    course: Course
    promise: Promise | None
    shown: Sla


@dataclass(frozen=True, slots=True)
class Assessed:
    """What is to be stored of a ticket. `moved`: watchers are to be told, so its revision rises."""

    id: int
    sla: Sla
    next: datetime | None
    moved: bool


# Held in the order in which every batch holds tickets. Those looked at since they last changed, and not
# changed by time, are left out.
_HELD = """
select t.id, t.created_at, t.first_answered_at, coalesce(t.closed_at, t.deleted_at) as ended_at, t.handled_s,
       t.handling_since, t.sla, ft.sla as promise,
       ft.prefix || '-' || lpad(t.number::text, greatest(ft.digits, length(t.number::text))::int, '0')
         as display_id
from tickets t join feedback_types ft on ft.workspace_id = t.workspace_id and ft.id = t.type_id
where t.workspace_id = $1 and t.id = any($2::bigint[])
  and (t.sla_revision < t.revision or t.sla_next <= clock_timestamp())
order by t.id for no key update of t
"""


async def hold(tx: Transaction, workspace_id: int, ids: Sequence[int]) -> list[Standing]:
    """Those of the tickets whose SLA may have changed, held until the transaction ends."""
    return [_standing(row) for row in await tx.fetch(_HELD, workspace_id, list(ids))]


async def store(tx: Transaction, workspace_id: int, assessed: Sequence[Assessed], now: datetime) -> None:
    """What was computed, for the revision it was computed for; of those that moved, for the one they get."""
    await tx.execute(
        """
        update tickets t set
          sla = new.sla::jsonb, sla_next = new.next, revision = t.revision + new.moved,
          sla_revision = t.revision + new.moved,
          changed_at = case new.moved when 1 then $6 else t.changed_at end
        from unnest($2::bigint[], $3::text[], $4::timestamptz[], $5::int[]) as new (id, sla, next, moved)
        where t.workspace_id = $1 and t.id = new.id
        """,
        workspace_id,
        [one.id for one in assessed],
        [msgspec.json.encode(one.sla).decode() for one in assessed],
        [one.next for one in assessed],
        [int(one.moved) for one in assessed],
        now,
    )


async def due(reader: Reader, at_most: int) -> dict[int, list[int]]:
    """Tickets that time has changed, by workspace; those that wait for longest first."""
    rows = await reader.fetch(
        """
        select workspace_id, id from tickets
        where sla_next is not null and sla_next <= clock_timestamp() order by sla_next limit $1
        """,
        at_most,
    )
    found: dict[int, list[int]] = {}
    for row in rows:
        found.setdefault(row["workspace_id"], []).append(row["id"])
    return found


# A piece is a range of numbers and not of tickets, so that it is bounded however many of them are closed.
_RENEW = """
with type as (
  select ft.workspace_id, ft.id, ft.sla, c.tickets as last,
         case when ft.promised -> 'promise' is not distinct from coalesce(ft.sla, 'null')
           then (ft.promised ->> 'up_to')::bigint else 0 end as up_to
  from feedback_types ft join feedback_counters c on c.workspace_id = ft.workspace_id and c.type_id = ft.id
  where ft.promised -> 'promise' is distinct from coalesce(ft.sla, 'null')
    or ft.promised ->> 'up_to' is not null
  order by ft.workspace_id, ft.id limit 1 for update of ft skip locked
), held as (
  select t.workspace_id, t.id from tickets t join type
    on t.workspace_id = type.workspace_id and t.type_id = type.id
  where t.number > type.up_to and t.number <= type.up_to + $1 and t.closed_at is null and t.deleted_at is null
  order by t.id for no key update of t
), again as (
  update tickets t set sla_next = clock_timestamp() from held
  where t.workspace_id = held.workspace_id and t.id = held.id
)
update feedback_types ft
set promised = jsonb_build_object('promise', ft.sla,
                                  'up_to', case when type.up_to + $1 < type.last then type.up_to + $1 end)
from type where ft.workspace_id = type.workspace_id and ft.id = type.id
returning true
"""


async def renew(tx: Transaction, at_most: int) -> bool:
    """Have some tickets looked at again whose type makes another promise now; False where there are none.

    Closed ones are left as they are. Many tickets take many pieces; another change begins anew.
    """
    return await tx.fetchval(_RENEW, at_most) is True


def _standing(row: Row) -> Standing:
    return Standing(
        id=row["id"],
        display_id=row["display_id"],
        course=Course(
            row["created_at"],
            row["first_answered_at"],
            row["ended_at"],
            row["handled_s"],
            row["handling_since"],
        ),
        promise=msgspec.json.decode(row["promise"], type=Promise) if row["promise"] else None,
        shown=msgspec.json.decode(row["sla"], type=Sla) if row["sla"] else Sla(),
    )
