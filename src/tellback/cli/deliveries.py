"""`tellback deliveries`: what goes out, and what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import click
import msgspec

from tellback.cli import databases, faults, options, output
from tellback.core import deliveries, workspaces
from tellback.core.deliveries import reading_queries as queries
from tellback.core.deliveries.model import Chosen, Delivery
from tellback.storage.database import Database

STATES = ("waiting", "delivered", "failed", "cancelled")


@click.group()
def command() -> None:
    """What goes out, and what became of it."""


def moment(text: str) -> datetime:
    """A time; without an offset it is UTC."""
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ValueError(f"{text!r} is no time; write it like 2026-11-21T20:22:07Z") from None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


_WEBHOOK = options.option("--webhook", metavar="KEY", help="Only those of a webhook.")
_SUBSCRIPTION = options.option("--subscription", metavar="KEY", help="Only those of a subscription.")
_SINCE = options.option(
    "--since", type=options.Words("TIME", moment), help="Only those made since then (UTC without an offset)."
)


@command.command(name="list")
@options.workspace
@_WEBHOOK
@_SUBSCRIPTION
@_SINCE
@options.option("--state", type=click.Choice(STATES), help="Only those in a state.")
@options.option(
    "--limit", type=click.IntRange(1, 100_000), default=20, show_default=True, help="How many, the newest."
)
@options.hub
def show(
    place: databases.Place, as_json: bool, workspace: str, webhook: str | None, subscription: str | None,
    since: datetime | None, state: str | None, limit: int,
) -> None:  # fmt: skip
    """Print deliveries, the newest first, each with its last attempt."""
    wanted = Chosen(webhook, subscription, state, since)  # type: ignore[arg-type]

    async def job(db: Database) -> Sequence[Delivery]:
        async with db.reading() as reader:
            found = await workspaces.find(reader, workspace)
            return await queries.search(reader, found.id, wanted, None, limit)

    found = databases.work(place, job)
    if as_json:
        for one in found:
            output.document(_document(one))
        return
    headings = ("id", "to", "event", "subject", "state", "attempts", "last", "next")
    output.table(headings, [_row(one) for one in found])


def _document(one: Delivery) -> dict[str, object]:
    """A delivery with the members that it has in the hub's API."""
    return {
        "id": one.id,
        one.destination: one.key,
        "event": {"id": one.event_seq, "kind": one.event_kind, "at": one.event_at},
        "subject": {"type": one.subject_type, "id": one.subject_id},
        "message_id": one.message_id,
        "state": one.state,
        "next_attempt_at": one.next_attempt_at,
        "created_at": one.created_at,
        "finished_at": one.finished_at,
        "attempts": [msgspec.to_builtins(attempt) for attempt in one.attempts],
    }


def _row(one: Delivery) -> tuple[str, ...]:
    last = one.attempts[-1] if one.attempts else None
    said = "" if last is None else last.error or str(last.status or "under way")
    hint = f" {last.hint}" if last is not None and last.hint and one.state != "delivered" else ""
    next_at = one.next_attempt_at.isoformat(timespec="seconds") if one.next_attempt_at else ""
    return (
        str(one.id), f"{one.destination} {one.key}", one.event_kind, f"{one.subject_type} {one.subject_id}",
        one.state, str(len(one.attempts)), said + hint, next_at,
    )  # fmt: skip


@command.command()
@options.workspace
@click.argument("ids", metavar="[ID]...", type=int, nargs=-1)
@_WEBHOOK
@_SUBSCRIPTION
@_SINCE
@options.option(
    "--state",
    type=click.Choice(STATES),
    help="Those in a state; without it failed ones, with --since delivered ones, too.",
)
@options.hub
def replay(
    place: databases.Place, as_json: bool, workspace: str, ids: tuple[int, ...], webhook: str | None,
    subscription: str | None, since: datetime | None, state: str | None,
) -> None:  # fmt: skip
    """Send deliveries anew: those named, or all that fit. The same bytes and webhook-id, at once."""
    if state == "waiting":
        raise faults.Refused(
            "what waits is going to be sent anyway; name it by its id to have it sent at once."
        )
    if ids and (webhook or subscription or since or state):
        raise faults.Refused("either ids or what they are of, not both.")

    async def job(db: Database) -> int:
        async with db.reading() as reader:
            found = await workspaces.find(reader, workspace)
        if not ids:
            wanted = Chosen(webhook, subscription, state, since)  # type: ignore[arg-type]
            return await deliveries.replay_many(db, found.id, wanted)
        for id in ids:
            await db.write(lambda tx, of=id: deliveries.replay(tx, found.id, of))  # type: ignore[misc]
        return len(ids)

    count = databases.work(place, job)
    if as_json:
        output.document({"replayed": count})
    else:
        output.line(f"{count} {'delivery is' if count == 1 else 'deliveries are'} sent anew.")
