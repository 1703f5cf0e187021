"""What storing records would do, found without storing anything."""

from __future__ import annotations

from collections.abc import Sequence

from tellback.core import people
from tellback.core.imports.model import NewRecord, Verdict
from tellback.core.people.rules import AccountBook, Directory
from tellback.storage.database import Reader


class Trial:
    """One dry run. It remembers everybody it has met, so that its memory grows with their number."""

    def __init__(self, workspace_id: int) -> None:
        self._workspace_id = workspace_id
        self._directory = Directory(())
        self._book = AccountBook(())

    async def judge(self, reader: Reader, records: Sequence[NewRecord]) -> list[Verdict | None]:
        """What each record would do; None where its alias is another account's."""
        await self._look_up(reader, records)
        return [self._verdict(one) for one in records]

    async def _look_up(self, reader: Reader, records: Sequence[NewRecord]) -> None:
        accounts = [one.record.account for one in records if one.record.account]
        names = {
            people.account_key(name) for one in accounts for name in (one.name, one.alias) if name is not None
        }
        self._book.learn_of(await people.queries.accounts_known(reader, self._workspace_id, sorted(names)))
        persons = [one.record.contact for one in records if one.record.contact and not one.record.response]
        emails = [people.email_key(one.email) for one in persons if one.email]
        phones = [people.rules.phone_key(one.phone) for one in persons if one.phone]
        if persons:
            self._directory.learn_of(
                await people.queries.contacts_known(reader, self._workspace_id, emails, phones)
            )

    def _verdict(self, one: NewRecord) -> Verdict | None:
        record = one.record
        account = self._book.meet(record.account) if record.account else None
        if record.account and account is None:
            return None
        if record.response is not None:
            return "created"
        if record.contact is not None:
            contact = self._directory.meet(record.contact)
            changed = bool(contact.changed) or (
                account is not None and (account.new or bool(account.changed))
            )
            return "created" if contact.new else "updated" if changed else "unchanged"
        assert account is not None
        return "created" if account.new else "updated" if account.changed else "unchanged"
