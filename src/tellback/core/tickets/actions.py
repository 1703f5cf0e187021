"""Verbs on tickets. Each writes its effect, the timeline and the change feed in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tellback.core import changes, errors, files, intake, workspaces
from tellback.core.tickets import queries, snapshots, work
from tellback.core.tickets.model import Filed, NewAttachment, NewTicket, Ticket, Whole
from tellback.core.tickets.rules import parse_reference
from tellback.core.tickets.work_model import Order
from tellback.storage.database import Reader, Transaction

#: Tickets with their log entries, many at once.
FILE: intake.Intake[NewTicket, Filed] = intake.intake("tickets", queries.file_many, single_statement=True)


async def find(reader: Reader, workspace_id: int, reference: str) -> Ticket | None:
    """A ticket by number or display id, without files and timeline."""
    parsed = parse_reference(reference)
    if parsed is None:
        return None
    prefix, number = parsed
    if prefix is None:
        return await queries.by_id(reader, workspace_id, number)
    return await queries.by_number(reader, workspace_id, prefix, number)


async def whole(reader: Reader, workspace_id: int, ticket: Ticket) -> Whole:
    """A ticket with its files and its timeline."""
    attached = await files.of_ticket(reader, workspace_id, [ticket.id])
    return Whole(ticket, attached.get(ticket.id, []), await queries.timeline(reader, workspace_id, ticket.id))


async def _attach(
    tx: Transaction, attachments: Sequence[NewAttachment], entries: Sequence[intake.NewEntry]
) -> Sequence[list[files.File]]:
    stored = [await files.add_many(tx, one.workspace_id, one.ticket_id, one.files) for one in attachments]
    await queries.touch_many(
        tx, [one.workspace_id for one in attachments], [one.ticket_id for one in attachments]
    )
    as_they_are = await _snapshots(tx, attachments)
    added = [(one, file) for one, many in zip(attachments, stored, strict=True) for file in many]
    await queries.add_timeline(
        tx,
        [
            (
                one.workspace_id,
                one.ticket_id,
                one.actor,
                "file_added",
                f"File {file.name} was added by {one.actor}",
            )
            for one, file in added
        ],
    )
    await intake.queries.record(tx, entries)
    for workspace_id in sorted({one.workspace_id for one in attachments}):
        await changes.record(
            tx,
            workspace_id,
            [
                changes.NewChange(
                    "file.added", "ticket", str(one.ticket_id), one.actor,
                    {"file": file.id, "name": file.name, "size": file.size, "element": file.element},
                    as_they_are.get((workspace_id, one.ticket_id)),
                    one.origin,
                )
                for one, file in added
                if one.workspace_id == workspace_id
            ],
        )  # fmt: skip
    return stored


async def _snapshots(
    tx: Transaction, attachments: Sequence[NewAttachment]
) -> dict[tuple[int, int], dict[str, Any]]:
    """The tickets as they are now, of those workspaces where something may act on it."""
    found: dict[tuple[int, int], dict[str, Any]] = {}
    for workspace_id in {one.workspace_id for one in attachments}:
        if await workspaces.queries.is_automated(tx, workspace_id):
            ids = {one.ticket_id for one in attachments if one.workspace_id == workspace_id}
            made = await snapshots.documents(tx, workspace_id, sorted(ids))
            found |= {(workspace_id, id): document for id, document in made.items()}
    return found


#: Files of tickets with their log entries; the blobs are on disk before.
ATTACH: intake.Intake[NewAttachment, list[files.File]] = intake.intake("attachments", _attach)


async def _act(
    tx: Transaction, orders: Sequence[Order], entries: Sequence[intake.NewEntry]
) -> Sequence[Whole | errors.HubError]:
    """Orders in the order of their tickets everywhere, so that two batches cannot wait for each other."""
    outcomes: dict[int, Whole | errors.HubError] = {}
    news: dict[int, list[changes.NewChange]] = {}
    places = sorted(range(len(orders)), key=lambda n: (orders[n].workspace_id, orders[n].ticket_id))
    for place in places:
        one = orders[place]
        try:
            acted = await work.act(tx, one.workspace_id, one.ticket_id, one.actions, one.by)
        except errors.HubError as refused:  # before anything of it was stored
            outcomes[place] = refused
            continue
        news.setdefault(one.workspace_id, []).extend(acted.news)
        ticket = await queries.by_id(tx, one.workspace_id, one.ticket_id)
        assert ticket is not None
        outcomes[place] = await whole(tx, one.workspace_id, ticket)
    done = [entries[n] for n in range(len(orders)) if not isinstance(outcomes[n], errors.HubError)]
    await intake.queries.record(tx, done)
    for workspace_id in sorted(news):
        if news[workspace_id]:
            await changes.record(tx, workspace_id, news[workspace_id])
    return [outcomes[n] for n in range(len(orders))]


#: Work on tickets with its log entries; gives each ticket as it is afterwards.
ACT: intake.Intake[Order, Whole] = intake.intake("ticket actions", _act)
