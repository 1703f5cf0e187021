"""Records as single calls bring them, gathered: those that change nobody are stored by one statement.

Most calls tell of people who are known, and nothing new of them, or of somebody new. A batch of those is one
look-up and one statement, whatever its size. Only records that change an account or a contact take locks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from tellback.core import changes, errors, intake, people
from tellback.core.imports import actions, gathered_queries, telling
from tellback.core.imports.model import NewRecord, Stored
from tellback.core.imports.telling import Told
from tellback.core.people import Acquaintance, Draft, Met, MetAccount
from tellback.storage.database import Transaction
from tellback.storage.savepoint import again_when_taken


@dataclass(slots=True)
class _Meeting:
    """A record, and whom it met."""

    told: Told
    accounts: tuple[MetAccount | None, ...]
    contact: Met | None

    @property
    def changes_accounts(self) -> bool:
        """Also where it cannot go in, as its alias is another account's."""
        drafts = [met.draft if met else None for met in self.accounts]
        return any(one is None or one.id is None or one.changed or one.names for one in drafts)


async def _store(
    tx: Transaction, records: Sequence[NewRecord], entries: Sequence[intake.NewEntry]
) -> Sequence[Stored | errors.HubError]:
    """As `actions.store`. Opens a transaction itself where one statement does not do."""
    return await again_when_taken(tx, lambda inner: _attempt(inner, records, entries))


async def _attempt(
    tx: Transaction, records: Sequence[NewRecord], entries: Sequence[intake.NewEntry]
) -> Sequence[Stored | errors.HubError]:
    """Store the records as they are met now. Meets a unique key when another made a contact meanwhile."""
    told = [Told(one) for one in records]
    known = await people.look_up(tx, [(one.workspace_id, *_named(one.new)) for one in told])
    meetings = [_meet(one, known[one.workspace_id]) for one in told]
    unsettled = _unsettled(meetings, known)
    settled = [place for place in range(len(told)) if place not in unsettled]
    mine, logged = [meetings[place] for place in settled], [entries[place] for place in settled]
    outcomes: dict[int, Stored | errors.HubError] = {}
    if not unsettled:
        return await _store_settled(tx, mine, logged, known)
    async with tx.transaction():
        others = await actions.store(
            tx, [records[place] for place in unsettled], [entries[place] for place in unsettled]
        )
        outcomes.update(zip(unsettled, others, strict=True))
        if mine:
            outcomes.update(zip(settled, await _store_settled(tx, mine, logged, known), strict=True))
    return [outcomes[place] for place in range(len(told))]


#: Records with their log entries.
STORE: intake.Intake[NewRecord, Stored] = intake.intake("records", _store, single_statement=True)


def _named(new: NewRecord) -> tuple[list[str], people.Given | None]:
    """The accounts by their names and aliases, and the person."""
    accounts = [one for one in (new.record.account, new.record.belongs_to) if one is not None]
    return [name for one in accounts for name in (one.name, one.alias) if name], new.record.contact


def _meet(one: Told, known: Acquaintance) -> _Meeting:
    account, owner, contact = one.new.record.account, one.new.record.belongs_to, one.new.record.contact
    met = [known.accounts.meet(given) if given is not None else None for given in (account, owner)]
    one.account, one.owner = (people.known_account(each) for each in met)
    named = tuple(each for each, given in zip(met, (account, owner), strict=True) if given is not None)
    return _Meeting(one, named, known.contacts.meet(telling.person(one, contact)) if contact else None)


def _unsettled(meetings: Sequence[_Meeting], known: Mapping[int, Acquaintance]) -> dict[int, None]:
    """The places, in order, of records that change an account or a contact, or name one which another changes.

    Of a workspace where automation is told what happens, all: it is told more than the one statement knows.
    """
    hard = [one.changes_accounts or known[one.told.workspace_id].automated for one in meetings]
    touched = {
        id(one.contact.draft)
        for one, is_hard in zip(meetings, hard, strict=True)
        if one.contact and (is_hard or (one.contact.draft.id is not None and one.contact.draft.changed))
    }
    return {
        place: None
        for place, one in enumerate(meetings)
        if hard[place] or (one.contact and id(one.contact.draft) in touched)
    }


async def _store_settled(
    tx: Transaction,
    meetings: Sequence[_Meeting],
    entries: Sequence[intake.NewEntry],
    known: Mapping[int, Acquaintance],
) -> list[Stored]:
    new: list[tuple[int, Draft]] = []
    feed: list[tuple[int, changes.NewChange]] = []
    for one in meetings:
        workspace_id = one.told.workspace_id
        if one.contact and one.contact.new:
            draft = one.contact.draft
            draft.id = known[workspace_id].free_ids.pop()
            new.append((workspace_id, draft))
            created = changes.NewChange("contact.created", "contact", str(draft.id), one.told.new.actor)
            feed.append((workspace_id, created))
        _know(one, known[workspace_id])
    answered = [place for place, one in enumerate(meetings) if one.told.new.record.response is not None]
    silent = [place for place, one in enumerate(meetings) if one.told.new.record.response is None]
    outcomes = {place: telling.stored(meetings[place].told, None) for place in silent}
    ids = await gathered_queries.store(
        tx,
        [telling.response(meetings[place].told) for place in answered],
        [meetings[place].told.new.actor for place in answered],
        [meetings[place].told.new.hops for place in answered],
        new,
        feed,
        [_entry(meetings[place].told, entries[place], outcomes.get(place)) for place in (*answered, *silent)],
    )
    outcomes |= {
        place: telling.stored(meetings[place].told, id) for place, id in zip(answered, ids, strict=True)
    }
    return [outcomes[place] for place in range(len(meetings))]


def _know(one: _Meeting, known: Acquaintance) -> None:
    """Put down who the contact is, and the copies of segments that the response keeps."""
    told = one.told
    if one.contact is None:
        return
    told.contact = contact = people.known(one.contact)
    told.account_id = told.account.id if told.account else contact.account_id
    theirs = told.account.segments if told.account else known.segments.get(told.account_id or 0)
    told.segments = ({"contact": contact.segments} if contact.segments else {}) | (
        {"account": theirs} if theirs else {}
    )


def _entry(one: Told, entry: intake.NewEntry, outcome: Stored | None) -> intake.NewEntry:
    """A log entry with the note on who is meant, and what a record without response became."""
    if one.contact and one.contact.note:
        entry = replace(entry, submitter=one.contact.note)
    if outcome is not None:
        entry = replace(entry, created_type=outcome.type, created_id=str(outcome.id))
    return entry
