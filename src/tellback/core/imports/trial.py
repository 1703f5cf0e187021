"""What storing records would do, found without storing anything."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from tellback.core import people
from tellback.core.imports.bulk import Brought
from tellback.core.imports.columns import Telling
from tellback.core.imports.meeting import Meeting, Memory
from tellback.core.imports.model import Mapped, Record, Verdict
from tellback.core.people import bulk_queries
from tellback.core.people.rules import AccountBook, Directory
from tellback.storage.database import Reader


class Trial:
    """One dry run. It remembers everybody it has met, so that its memory grows with their number."""

    def __init__(self, mapping: Mapped) -> None:
        self._workspace_id = mapping.configuration.workspace_id
        self._responses = mapping.configuration.object == "survey_record"
        self._directory = Directory(())
        self._book = AccountBook(())
        self._ids = itertools.count(-1, -1)  # of those who would be made

    async def judge(self, reader: Reader, tellings: Sequence[Telling]) -> Brought:
        """What storing these would do, in order."""
        await self._look_up(reader, [one.record for one in tellings if one.record is not None])
        if self._responses:  # always new ones, unless an alias is another account's
            fits = [self._fits(one.record) for one in tellings]
            counts: dict[Verdict, int] = {"created": sum(fits), "updated": 0, "unchanged": 0}
            return Brought(counts, [place for place, one in enumerate(fits) if not one], [])
        meeting = Meeting(self._directory, self._book, {}, self._ids, self._ids, set(tellings), Memory())
        meeting.hear(tellings)
        refused = [place for place, one in enumerate(meeting.told) if one is None]
        return Brought(meeting.counts(), refused, meeting.notes)

    async def _look_up(self, reader: Reader, records: Sequence[Record]) -> None:
        accounts = [account for one in records for account in (one.account, one.belongs_to) if account]
        names = {people.account_key(name) for one in accounts for name in (one.name, one.alias) if name}
        self._book.learn_of(await bulk_queries.accounts_known(reader, self._workspace_id, names))
        if self._responses:
            return
        persons = [one.contact for one in records if one.contact]
        emails = {people.email_key(one.email) for one in persons if one.email}
        phones = {people.rules.phone_key(one.phone) for one in persons if one.phone}
        self._directory.learn_of(
            await bulk_queries.contacts_known(reader, self._workspace_id, emails, phones)
        )

    def _fits(self, record: Record | None) -> bool:
        assert record is not None
        if record.account and self._book.meet(record.account) is None:
            return False
        if record.belongs_to:
            self._book.meet(record.belongs_to)
        return True
