"""SQL of looking at deliveries and destinations, and of what people do to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from tellback import logs
from tellback.core.deliveries import rules
from tellback.core.deliveries.model import Attempt, Chosen, Delivery, Destination, DestinationKind
from tellback.storage.database import Reader, Row, Transaction


@dataclass(frozen=True, slots=True)
class Queues:
    """All queues together: what waits, for how long the longest due has been so, and who is disabled."""

    waiting: int
    oldest_due_s: float
    disabled: int


async def queues(reader: Reader) -> Queues:
    row = await reader.fetchrow(
        """
        select (select count(*) from deliveries where state = 'waiting') as waiting,
               (select coalesce(extract(epoch from now() - min(next_at)), 0) from destinations
                where state = 'active' and archived_at is null and next_at <= now()) as oldest,
               (select count(*) from destinations where state = 'disabled' and archived_at is null) as disabled
        """
    )
    return Queues(row["waiting"], float(row["oldest"]), row["disabled"])


_DELIVERY = """
select d.id, t.kind, t.key, d.event_seq, d.event_kind, d.event_at, d.subject_type, d.subject_id, d.message_id,
       d.state, d.next_attempt_at, d.created_at, d.finished_at, d.request->>'body' as body
from deliveries d
join destinations t on t.workspace_id = d.workspace_id and t.id = d.destination_id
"""


async def search(
    reader: Reader, workspace_id: int, wanted: Chosen, before: int | None, limit: int
) -> list[Delivery]:
    """Deliveries below id `before`, the newest first, each with its attempts."""
    conditions, arguments = _where(workspace_id, wanted)
    if before is not None:
        arguments.append(before)
        conditions.append(f"d.id < ${len(arguments)}")
    arguments.append(limit)
    rows = await reader.fetch(
        f"{_DELIVERY} where {' and '.join(conditions)} order by d.id desc limit ${len(arguments)}", *arguments
    )
    return await _with_attempts(reader, workspace_id, rows)


def _where(workspace_id: int, wanted: Chosen) -> tuple[list[str], list[Any]]:
    conditions, arguments = ["d.workspace_id = $1"], list[Any]([workspace_id])

    def where(condition: str, value: Any) -> None:
        if value is not None:
            arguments.append(value)
            conditions.append(condition.format(f"${len(arguments)}"))

    # The destination's id is found first, so that its own index is walked.
    of = (
        "d.destination_id = any(array(select id from destinations "
        "where workspace_id = $1 and kind = '{kind}' and lower(key) = lower({{}})))"
    )
    where(of.format(kind="webhook"), wanted.webhook)
    where(of.format(kind="subscription"), wanted.subscription)
    where("d.state = {}", wanted.state)
    where("d.created_at >= {}", wanted.since)
    return conditions, arguments


async def by_id(reader: Reader, workspace_id: int, delivery_id: int) -> Delivery | None:
    """A delivery with its attempts."""
    rows = await reader.fetch(
        f"{_DELIVERY} where d.workspace_id = $1 and d.id = $2", workspace_id, delivery_id
    )
    found = await _with_attempts(reader, workspace_id, rows)
    return found[0] if found else None


async def _with_attempts(reader: Reader, workspace_id: int, rows: Sequence[Row]) -> list[Delivery]:
    attempts: dict[int, list[Attempt]] = {row["id"]: [] for row in rows}
    bodies = {row["id"]: logs.mask_text(row["body"]) if row["body"] else row["body"] for row in rows}
    for row in await reader.fetch(
        """
        select delivery_id, number, at, duration_ms, request, status, response_headers, response_body, error, hint,
               warnings
        from attempts where workspace_id = $1 and delivery_id = any($2::bigint[]) order by delivery_id, number
        """,
        workspace_id, list(attempts),
    ):  # fmt: skip
        attempts[row["delivery_id"]].append(_attempt(row, bodies[row["delivery_id"]]))
    return [_delivery(row, attempts[row["id"]]) for row in rows]


def _delivery(row: Row, attempts: Sequence[Attempt]) -> Delivery:
    same = (
        "id", "key", "event_seq", "event_kind", "event_at", "subject_type", "subject_id", "message_id", "state",
        "next_attempt_at", "created_at", "finished_at",
    )  # fmt: skip
    return Delivery(
        destination=row["kind"], attempts=rules.with_lost(attempts), **{name: row[name] for name in same}
    )


def _attempt(row: Row, body: str | None) -> Attempt:
    """An attempt with its request as sent, secrets masked; the body is the delivery's, the same in all of them."""
    request = msgspec.json.decode(row["request"])
    shown = {
        **request,
        "url": logs.mask_text(request["url"]),
        "headers": [
            [name, logs.MASK if logs.names_a_secret(name) else value] for name, value in request["headers"]
        ],
        "body": body,
    }
    headers = row["response_headers"]
    return Attempt(
        number=row["number"],
        at=row["at"],
        duration_ms=row["duration_ms"],
        request=shown,
        status=row["status"],
        response_headers=msgspec.json.decode(headers) if headers else None,
        response_body=row["response_body"],
        error=row["error"],
        hint=row["hint"],
        warnings=msgspec.json.decode(row["warnings"]),
    )


async def destinations(
    reader: Reader, workspace_id: int, kind: DestinationKind, after: int, limit: int
) -> list[Destination]:
    """Webhooks or subscriptions above an id, with how many deliveries wait."""
    rows = await reader.fetch(
        """
        select t.id, t.kind, t.key, t.definition, t.state, t.reason, t.disabled_at, t.failing_since, t.failures,
               (select count(*) from deliveries d where d.workspace_id = t.workspace_id
                and d.destination_id = t.id and d.state = 'waiting') as waiting
        from destinations t
        where t.workspace_id = $1 and t.kind = $2 and t.archived_at is null and t.id > $3
        order by t.id limit $4
        """,
        workspace_id, kind, after, limit,
    )  # fmt: skip
    return [Destination(**{**row, "definition": msgspec.json.decode(row["definition"])}) for row in rows]


async def destination_id(
    reader: Reader, workspace_id: int, kind: DestinationKind, key: str
) -> tuple[int, str] | None:
    """The id and state of a destination that is not archived."""
    row = await reader.fetchrow(
        """
        select id, state from destinations
        where workspace_id = $1 and kind = $2 and lower(key) = lower($3) and archived_at is null
        """,
        workspace_id, kind, key,
    )  # fmt: skip
    return (row["id"], row["state"]) if row else None


async def destination_of(reader: Reader, workspace_id: int, delivery_id: int) -> int | None:
    found: int | None = await reader.fetchval(
        "select destination_id from deliveries where workspace_id = $1 and id = $2", workspace_id, delivery_id
    )
    return found


async def put_back(tx: Transaction, workspace_id: int, delivery_ids: Sequence[int]) -> int:
    """Have deliveries sent anew and at once, whatever became of them, by the whole schedule; how many."""
    rows = await tx.fetch(
        """
        update deliveries set state = 'waiting', scheduled = 0, next_attempt_at = now(), finished_at = null
        where workspace_id = $1 and id = any($2::bigint[]) returning id
        """,
        workspace_id, list(delivery_ids),
    )  # fmt: skip
    return len(rows)


async def finished_ids(
    reader: Reader, workspace_id: int, wanted: Chosen, above: int, limit: int
) -> list[tuple[int, int]]:
    """(destination, delivery) of some that wait no more, above an id, oldest first."""
    conditions, arguments = _where(workspace_id, wanted)
    if wanted.state is None:
        conditions.append("d.state = 'failed'" if wanted.since is None else "d.state <> 'cancelled'")
    rows = await reader.fetch(
        f"select d.destination_id, d.id from deliveries d where {' and '.join(conditions)} "
        f"and d.state <> 'waiting' and d.event_kind <> 'test' and d.id > ${len(arguments) + 1} "
        f"order by d.id limit ${len(arguments) + 2}",
        *arguments, above, limit,
    )  # fmt: skip
    return [(row["destination_id"], row["id"]) for row in rows]


async def cancel(tx: Transaction, workspace_id: int, delivery_id: int) -> bool:
    """Whether a delivery waited; it does no more."""
    done = await tx.fetchval(
        """
        update deliveries set state = 'cancelled', next_attempt_at = null, finished_at = now()
        where workspace_id = $1 and id = $2 and state = 'waiting' returning true
        """,
        workspace_id, delivery_id,
    )  # fmt: skip
    return done is True


async def enable(tx: Transaction, workspace_id: int, destination_id: int) -> None:
    """Have a destination (locked) sent to again, what waits for it at once."""
    await tx.execute(
        """
        update deliveries set next_attempt_at = now()
        where workspace_id = $1 and destination_id = $2 and state = 'waiting' and next_attempt_at > now()
        """,
        workspace_id, destination_id,
    )  # fmt: skip
    await tx.execute(
        """
        update destinations
        set state = 'active', reason = null, disabled_at = null, failing_since = null, failures = 0,
            not_before = null, next_at = now()
        where workspace_id = $1 and id = $2
        """,
        workspace_id, destination_id,
    )  # fmt: skip


async def disabled(reader: Reader) -> list[tuple[str, str, str, str, datetime]]:
    """(workspace, kind, key, reason, since) of every destination that was disabled."""
    rows = await reader.fetch(
        """
        select w.slug, d.kind, d.key, coalesce(d.reason, '') as reason, d.disabled_at
        from destinations d join workspaces w on w.id = d.workspace_id
        where d.state = 'disabled' and d.archived_at is null order by w.slug, d.kind, d.key
        """
    )
    return [tuple(row) for row in rows]
