"""Storing a file's records by the chunk: the people they tell of, responses and the feed, in one transaction.

The same rules as for a single record (`people.rules`), over columns: whoever is new or changed is stored set-wise,
responses and the feed go in by COPY.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import compress, repeat

from tellback.core import changes, people
from tellback.core.changes import Kind, SubjectType
from tellback.core.changes import bulk_queries as feed
from tellback.core.imports import cells
from tellback.core.imports.columns import Chunk, Telling
from tellback.core.imports.meeting import WHOSE, Meeting, Memory, Told
from tellback.core.imports.model import Mapped, Verdict
from tellback.core.people import bulk_queries as directories
from tellback.core.people.model import Contact
from tellback.core.people.rules import (
    AccountBook,
    AccountDraft,
    Directory,
    Draft,
    account_key,
    email_key,
    phone_key,
)
from tellback.core.responses import bulk_queries as answers
from tellback.storage.copying import NULL, TAB, escaped
from tellback.storage.database import Transaction
from tellback.storage.savepoint import again_when_taken

#: More tellings are not remembered at a time: they are what an import's memory goes to.
REMEMBERED = 120_000
#: After more changes by others than this, it is cheaper to ask for everybody anew.
_CHANGED_MEANWHILE = 5_000


@dataclass(frozen=True, slots=True)
class Brought:
    """What became of a chunk: rows by verdict; the places of rows whose alias is another account's; and, by
    place, notes of identities left open."""

    counts: dict[Verdict, int]
    refused: list[int]
    notes: list[tuple[int, str]]


@dataclass(frozen=True, slots=True)
class _News:
    """Whom a chunk made or changed."""

    accounts_made: Sequence[AccountDraft]
    accounts_changed: Sequence[AccountDraft]
    contacts_made: Sequence[Draft]
    contacts_changed: Sequence[Draft]

    def by_subject(
        self,
    ) -> Iterable[tuple[SubjectType, Sequence[AccountDraft | Draft], Sequence[AccountDraft | Draft]]]:
        yield "account", self.accounts_made, self.accounts_changed
        yield "contact", self.contacts_made, self.contacts_changed


@dataclass(slots=True)
class Bulk:
    """One run's way of storing chunks, one after the other; `columns` are those of `Chunk.rest`."""

    mapping: Mapped
    actor: str
    columns: Sequence[str]
    _memory: Memory = field(default_factory=Memory)
    #: the newest change of the feed when the last chunk was begun, and those that it made
    _seen: int | None = None
    _own: range = range(0)
    #: ids for new contacts
    _free: list[int] = field(default_factory=list)
    _stored: tuple[Meeting, int, range] | None = None

    @property
    def _workspace_id(self) -> int:
        return self.mapping.configuration.workspace_id

    async def store(self, tx: Transaction, chunk: Chunk) -> Brought:
        """Store the rows of a chunk. When the transaction is committed, call `keep`."""
        self._stored = None
        meeting, seen, news = await again_when_taken(tx, lambda inner: self._people(inner, chunk.tellings))
        fits = [one is not None for one in meeting.told]
        told = [one for one in meeting.told if one is not None]
        subjects, tails = self._tell_of_people(news)
        counts = meeting.counts()
        if self.mapping.configuration.object == "survey_record" and told:
            whole = len(told) == len(fits)
            rest = chunk.rest if whole else list(compress(chunk.rest, fits))
            scores = chunk.scores if whole else compress(chunk.scores, fits)
            subjects += map(str, await self._responses(tx, told, rest))
            tails += self._tell_of_responses(scores)
            counts = {"created": len(told), "updated": 0, "unchanged": 0}
        own = await feed.record(tx, self._workspace_id, subjects, tails) if subjects else range(0)
        self._stored = meeting, seen, own
        refused = [place for place, one in enumerate(fits) if not one]
        return Brought(counts, refused, meeting.notes)

    def keep(self) -> None:
        """Remember what is stored now."""
        assert self._stored is not None
        meeting, self._seen, self._own = self._stored
        if len(self._memory) > REMEMBERED:
            self._memory.forget_all()
        self._memory.keep(meeting.fresh)
        del self._free[: len(meeting.new_contacts)]
        self._stored = None

    async def _people(self, tx: Transaction, tellings: Sequence[Telling]) -> tuple[Meeting, int, _News]:
        """Decide who is who, and store who is new or changed; also which change of the feed was the newest before."""
        seen = await self._catch_up(tx)
        asked: set[Telling] = {one for one in tellings if one.known is None}
        while True:
            meeting, read = await self._ask(tx, asked, sum(one in asked for one in tellings))
            meeting.hear(tellings)
            asked.update(meeting.unread)
            if not meeting.unread and await self._as_read(tx, meeting, read):
                break
        news = await self._store_people(tx, meeting)
        for one in meeting.learned:
            contact = one.contact.id if one.contact else None
            one.whose = TAB.join((_cell(contact), _cell(one.account_id), one.segments))
        return meeting, seen, news

    async def _catch_up(self, tx: Transaction) -> int:
        """Forget whom others have changed meanwhile; the newest change of the feed."""
        last = await changes.queries.last(tx, self._workspace_id)
        if self._seen is None:
            return last
        touched = await feed.people_changed(
            tx, self._workspace_id, self._seen, last, self._own, _CHANGED_MEANWHILE
        )
        if len(touched) == _CHANGED_MEANWHILE:
            self._memory.forget_all()
        for subject, id in touched:
            forget = self._memory.forget_contact if subject == "contact" else self._memory.forget_account
            forget(id)
        return last

    async def _ask(
        self, tx: Transaction, asked: set[Telling], rows: int
    ) -> tuple[Meeting, dict[int, Contact]]:
        """What the database knows of everybody of whom these tell, in so many rows; with it its contacts by id."""
        workspace_id, records = self._workspace_id, [one.record for one in asked if one.record]
        given = [one.contact for one in records if one.contact]
        accounts = [account for one in records for account in (one.account, one.belongs_to) if account]
        keys = {account_key(name) for one in accounts for name in (one.name, one.alias) if name}
        known = await directories.accounts_known(tx, workspace_id, keys) if keys else []
        contacts = await directories.contacts_known(
            tx,
            workspace_id,
            {email_key(one.email) for one in given if one.email},
            {phone_key(one.phone) for one in given if one.phone},
        )
        others = {one.details["account_id"] for one in contacts} - {None, *(id for _, id, _, _ in known)}
        segments = await people.queries.account_segments(tx, workspace_id, sorted(others)) if others else {}
        new = len(keys) - len(known)
        free = await directories.account_ids(tx, new) if new else []
        # What a sequence gave is given, whatever becomes of the transaction.
        if given and len(self._free) < rows:
            self._free += await directories.contact_ids(tx, rows - len(self._free))
        meeting = Meeting(
            Directory(contacts),
            AccountBook(known),
            segments,
            iter(free),
            iter(self._free),
            asked,
            self._memory,
        )
        return meeting, {one.id: one for one in contacts}

    async def _as_read(self, tx: Transaction, meeting: Meeting, read: dict[int, Contact]) -> bool:
        """Lock the contacts that this changes; whether they still are as they were read."""
        changed = [one.id for one in meeting.directory.drafts if one.id in read and one.changed]
        if not changed:
            return True
        locked = await directories.lock_contacts(tx, self._workspace_id, changed)
        return len(locked) == len(changed) and all(read[one.id] == one for one in locked)

    async def _store_people(self, tx: Transaction, meeting: Meeting) -> _News:
        workspace_id, book, contacts = self._workspace_id, meeting.book.drafts, meeting.directory.drafts
        new = {id(one) for one in (*meeting.new_accounts, *meeting.new_contacts)}
        news = _News(
            meeting.new_accounts,
            [one for one in book if one.changed and id(one) not in new],
            meeting.new_contacts,
            [one for one in contacts if one.changed and id(one) not in new],
        )
        await directories.add_accounts(tx, workspace_id, news.accounts_made)
        await people.queries.add_names(tx, workspace_id, [one for one in book if one.names])
        await people.queries.change_accounts(tx, workspace_id, news.accounts_changed)
        await people.queries.change_contacts(tx, workspace_id, news.contacts_changed)
        await directories.add_contacts(tx, workspace_id, news.contacts_made)
        return news

    async def _responses(self, tx: Transaction, told: Sequence[Told], rest: Sequence[str]) -> range:
        reference = escaped(self.mapping.configuration.reference)
        always = TAB.join((str(self._workspace_id), "import", reference, reference, "t"))
        names = (*WHOSE, *self.columns, "workspace_id", "channel", "source_key", "configuration", "complete")
        rows = zip([one.whose for one in told], rest, repeat(always))
        return await answers.record(tx, self._workspace_id, names, list(map(TAB.join, rows)))

    def _tell_of_people(self, news: _News) -> tuple[list[str], list[str]]:
        """What the feed tells of contacts and accounts: subjects, and what is said of each; no personal data."""
        said = cache(self._said)
        ids: list[str] = []
        tails: list[str] = []
        for subject, made, changed in news.by_subject():
            ids += [str(one.id) for one in (*made, *changed)]
            tails += [said(subject, None)] * len(made)
            tails += [said(subject, tuple(sorted(one.changed))) for one in changed]
        return ids, tails

    def _said(self, subject: SubjectType, members: tuple[str, ...] | None) -> str:
        """What is said of a contact or account that was made, or whose members were changed."""
        if subject == "account":
            kind: Kind = "account.created" if members is None else "account.changed"
        else:
            kind = "contact.created" if members is None else "contact.changed"
        data = {} if members is None else {"members": members}
        return feed.told(self._workspace_id, kind, subject, self.actor, data)

    def _tell_of_responses(self, scores: Iterable[str]) -> list[str]:
        @cache
        def said(score: str) -> str:
            number = cells.scored(score)
            kind = None if number is None else "nps"
            data = {"survey": None, "kind": kind, "score": number, "complete": True, "channel": "import"}
            return feed.told(self._workspace_id, "response.recorded", "response", self.actor, data)

        return [said(one) for one in scores]


def _cell(id: int | None) -> str:
    return NULL if id is None else str(id)
