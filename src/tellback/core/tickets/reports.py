"""Reports of tickets to outside tools, and which tickets are due for one."""

from __future__ import annotations

from collections.abc import Sequence

from tellback.core import errors, intake
from tellback.core.tickets import report_queries
from tellback.core.tickets.report_model import LARGEST_ID, Marking, Report, Seen, UnknownTickets
from tellback.storage.database import Database, Reader, Transaction
from tellback.storage.group_commit import Batch
from tellback.storage.group_read import GroupRead


class Reports:
    """Reports for one process's surface; those asked for at the same time share a query."""

    def __init__(self, db: Database) -> None:
        self._read: GroupRead[tuple[int, int], Report] = GroupRead(db, report_queries.reports)

    async def find(self, workspace_id: int, ticket_id: int) -> Report | None:
        """A ticket as it stands at some moment after this call, deleted ones too. Raises `DatabaseAway`."""
        if not 0 < ticket_id <= LARGEST_ID:
            return None
        return await self._read.get((workspace_id, ticket_id))


async def dirty(reader: Reader, workspace_id: int) -> str:
    """The ids of the tickets that changed since they were last reported, ascending, as a JSON list."""
    return await report_queries.dirty(reader, workspace_id)


async def _clear(tx: Transaction, seen: Sequence[Seen]) -> Sequence[None]:
    await report_queries.clear(tx, seen)
    return [None] * len(seen)


#: Tickets were reported. Those that changed after the revision that was seen stay dirty.
CLEAR: Batch[Seen, None] = Batch("tickets reported", _clear, single_statement=True)


async def _mark(
    tx: Transaction, markings: Sequence[Marking], entries: Sequence[intake.NewEntry]
) -> Sequence[errors.HubError | None]:
    missing = await report_queries.unknown(tx, markings)
    outcomes = [UnknownTickets(places) if places else None for places in missing]
    good = [number for number, outcome in enumerate(outcomes) if outcome is None]
    if good:
        await report_queries.mark(tx, [markings[number] for number in good])
        await intake.queries.record(tx, [entries[number] for number in good])
    return outcomes


#: Make tickets dirty, all of a list or, where one is unknown (`UnknownTickets`), none.
MARK: intake.Intake[Marking, None] = intake.intake("tickets marked", _mark)
