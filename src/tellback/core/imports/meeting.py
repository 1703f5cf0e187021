"""Who the rows of a chunk tell of, decided in the order of the rows by the rules of `people`. No I/O.

Most rows of a file tell again what one before them told. Such a telling changes nothing as long as nothing else
has changed its contact and accounts, and is remembered until then.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from tellback.core.imports.columns import Telling
from tellback.core.imports.model import Record, Verdict
from tellback.core.people import Given
from tellback.core.people.rules import AccountBook, AccountDraft, Directory, Draft, Met, MetAccount
from tellback.storage.copying import escaped

#: What `Told.whose` has the cells of.
WHOSE = ("contact_id", "account_id", "segments")


@dataclass(eq=False, slots=True)
class Told:
    """What a telling came to. `whose` are cells for COPY, there as soon as the contact is stored."""

    verdict: Verdict
    contact: Draft | None
    account_id: int | None
    #: the accounts a change of which makes it old
    accounts: tuple[int, ...]
    segments: str
    whose: str = ""


class Memory:
    """What tellings came to, as long as that is what they would come to again."""

    def __init__(self) -> None:
        self._by_contact: dict[int, list[Telling]] = {}
        self._by_account: dict[int, list[Telling]] = {}
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def keep(self, told: Mapping[Telling, Told]) -> None:
        """Remember these, which are stored."""
        for telling, one in told.items():
            telling.known = one
            if one.contact is not None and one.contact.id is not None:
                self._by_contact.setdefault(one.contact.id, []).append(telling)
            for account in one.accounts:
                self._by_account.setdefault(account, []).append(telling)
            one.contact = None
        self._size += len(told)

    def forget_contact(self, id: int | None) -> None:
        _forget(self._by_contact.pop(id, ()) if id is not None else ())

    def forget_account(self, id: int | None) -> None:
        _forget(self._by_account.pop(id, ()) if id is not None else ())

    def forget_all(self) -> None:
        for tellings in (*self._by_contact.values(), *self._by_account.values()):
            _forget(tellings)
        self.__init__()  # type: ignore[misc]


def _forget(tellings: Sequence[Telling]) -> None:
    for telling in tellings:
        telling.known = None


@dataclass(slots=True)
class Meeting:
    """One reading of a chunk's rows. `segments` are those of accounts by id; free ids are for who is new.

    After `hear`: `told` has an entry for each row (None: its alias is another account's), `fresh` those tellings
    that may be remembered, `unread` those about whom the database has to be asked before all this can be true.
    """

    directory: Directory
    book: AccountBook
    segments: Mapping[int, Mapping[str, str]]
    free_accounts: Iterator[int]
    free_contacts: Iterator[int]
    asked: set[Telling]
    memory: Memory
    told: list[Told | None] = field(default_factory=list)
    notes: list[tuple[int, str]] = field(default_factory=list)
    fresh: dict[Telling, Told] = field(default_factory=dict)
    unread: list[Telling] = field(default_factory=list)
    learned: list[Told] = field(default_factory=list)
    new_accounts: list[AccountDraft] = field(default_factory=list)
    new_contacts: list[Draft] = field(default_factory=list)
    _of_draft: dict[object, list[Telling]] = field(default_factory=dict)

    def hear(self, tellings: Sequence[Telling]) -> None:
        """Go through the rows."""
        fresh, told = self.fresh, self.told
        for place, telling in enumerate(tellings):
            known = telling.known or fresh.get(telling)
            if known is None:
                if telling in self.asked:
                    known = self._learn(place, telling)
                else:
                    self.unread.append(telling)
            told.append(known)

    def counts(self) -> dict[Verdict, int]:
        """Rows by what they did; those that told again what was known changed nothing."""
        learned = Counter(one.verdict for one in self.learned)
        stored = sum(one is not None for one in self.told)
        again = stored - learned.total()
        return {
            "created": learned["created"],
            "updated": learned["updated"],
            "unchanged": learned["unchanged"] + again,
        }

    def _learn(self, place: int, telling: Telling) -> Told | None:
        record = telling.record
        assert record is not None
        account = self._account(record.account) if record.account else None
        if record.account and account is None:
            return None
        owner = self._account(record.belongs_to) if record.belongs_to else None
        met = self._contact(record, account, owner) if record.contact else None
        account_id = account.draft.id if account else met.account_id if met else None
        accounts = {one.draft.id for one in (account, owner) if one} | {account_id}
        told = Told(
            _verdict(account, met),
            met.draft if met else None,
            account_id,
            tuple(id for id in accounts if id is not None),
            self._copies(account, account_id, met),
        )
        self.learned.append(told)
        if met is not None and met.note is not None:
            self.notes.append((place, met.note))  # whoever has the phone may give it up
        else:
            self._remember(telling, told)
        return told

    def _account(self, given: Any) -> MetAccount | None:
        met = self.book.meet(given)
        if met is None:
            return None
        if met.new:
            self.book.number(met.draft, next(self.free_accounts))
            self.new_accounts.append(met.draft)
        elif met.changed:
            self.memory.forget_account(met.draft.id)
            self._drop(("account", met.draft.id))
        return met

    def _contact(self, record: Record, account: MetAccount | None, owner: MetAccount | None) -> Met:
        """The contact with its account: the one it is said to belong to, else the one the record names."""
        given = record.contact
        assert given is not None
        whose = owner or (account if "account_id" not in given.details else None)
        if whose is not None:
            details = {**given.details, "account_id": whose.draft.id}
            given = Given(given.email, given.phone, details, given.segments)
        met = self.directory.meet(given)
        if met.new:
            met.draft.id = next(self.free_contacts)
            self.new_contacts.append(met.draft)
        if met.changed:
            self.memory.forget_contact(met.draft.id)
            self._drop(id(met.draft))
        return met

    def _copies(self, account: MetAccount | None, account_id: int | None, met: Met | None) -> str:
        """The segments of both at this moment, which a response keeps."""
        copies: dict[str, Mapping[str, str]] = {}
        if met is not None and met.segments:
            copies["contact"] = met.segments
        theirs = account.segments if account else self._segments(account_id)
        if theirs:
            copies["account"] = theirs
        return escaped(msgspec.json.encode(copies).decode()) if copies else "{}"

    def _segments(self, account_id: int | None) -> Mapping[str, str] | None:
        if account_id is None:
            return None
        here = self.book.by_id(account_id)
        return here.segments if here else self.segments.get(account_id)

    def _remember(self, telling: Telling, told: Told) -> None:
        self.fresh[telling] = told
        for key in (id(told.contact), *(("account", one) for one in told.accounts)):
            self._of_draft.setdefault(key, []).append(telling)

    def _drop(self, key: object) -> None:
        for telling in self._of_draft.pop(key, ()):
            self.fresh.pop(telling, None)


def _verdict(account: MetAccount | None, met: Met | None) -> Verdict:
    """What a record without a response did (to the account, where it names nobody)."""
    news = account is not None and (account.new or bool(account.changed))
    if met is None:
        return "created" if account is not None and account.new else "updated" if news else "unchanged"
    return "created" if met.new else "updated" if met.changed or news else "unchanged"
