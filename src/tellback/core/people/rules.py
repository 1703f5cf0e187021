"""Who is who. No I/O."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from tellback.core.people.model import Contact, Given, GivenAccount

NAME_LIMIT = 255
DETAILS = ("first_name", "last_name", "job_title", "language", "account_id")

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
_PHONE = re.compile(r"[0-9 ()+\-]+")
_LEAST_DIGITS = 3


def email_key(email: str) -> str:
    """What e-mail addresses are compared by: trimmed, lower-cased (contract: "e-mail lower-cased")."""
    return email.strip().lower()


def phone_key(phone: str) -> str:
    """What phone numbers are compared by: the digits and a leading +."""
    digits = re.sub(r"[^0-9]", "", phone)
    return f"+{digits}" if phone.strip().startswith("+") else digits


def account_key(name: str) -> str:
    """What account names and aliases are compared by: trimmed, without regard to case."""
    return name.strip().casefold()


def valid_email(text: str) -> bool:
    """One @, no spaces."""
    return len(text) <= NAME_LIMIT and _EMAIL.fullmatch(text) is not None


def valid_phone(text: str) -> bool:
    """Digits, space, ( ) - +, and at least three digits."""
    return (
        len(text) <= NAME_LIMIT
        and _PHONE.fullmatch(text) is not None
        and sum(sign.isdigit() for sign in text) >= _LEAST_DIGITS
    )


@dataclass
class Draft:
    """A contact on its way into storage: `id` is None until it is stored."""

    id: int | None
    email: str | None
    phone: str | None
    details: dict[str, Any]
    segments: dict[str, str]
    changed: set[str]

    @property
    def email_key(self) -> str | None:
        return email_key(self.email) if self.email else None

    @property
    def phone_key(self) -> str | None:
        return phone_key(self.phone) if self.phone else None

    def named(self) -> str:
        return f"contact {self.id}" if self.id is not None else "a contact made in the same moment"


@dataclass(frozen=True, slots=True)
class Met:
    """Somebody as they were right after one telling: what it changed, and the note of an identity left open."""

    draft: Draft
    new: bool
    changed: tuple[str, ...]
    account_id: int | None
    segments: dict[str, str]
    note: str | None


class Directory:
    """Contacts known so far, told apart by e-mail and phone; `meet` decides who each next person is.

    The rules are the contract's ("Put a record"): an e-mail wins over a phone; a phone that belongs
    to somebody with an e-mail of their own stays theirs; somebody without an e-mail gets it.
    """

    def __init__(self, contacts: Iterable[Contact]) -> None:
        self.drafts: list[Draft] = []
        self._by_email: dict[str, Draft] = {}
        self._by_phone: dict[str, Draft] = {}
        self._ids: set[int] = set()
        self.learn_of(contacts)

    def learn_of(self, contacts: Iterable[Contact]) -> None:
        """Take in stored contacts; those that are in already stay as they are here."""
        for one in contacts:
            if one.id in self._ids:
                continue
            self._ids.add(one.id)
            self._add(Draft(one.id, one.email, one.phone, dict(one.details), dict(one.segments), set()))

    def meet(self, given: Given) -> Met:
        """The contact that is meant, with what is said of them put in."""
        by_email = self._by_email.get(email_key(given.email)) if given.email else None
        by_phone = self._by_phone.get(phone_key(given.phone)) if given.phone else None
        note = None
        phone = given.phone
        draft = by_email
        if by_email is not None and by_phone is not None and by_email is not by_phone:
            note = (
                f"The e-mail is {by_email.named()}'s, who is meant; the phone stays with {by_phone.named()}."
            )
            phone = None
        elif by_email is None and by_phone is not None:
            if given.email and by_phone.email:
                note = (
                    f"A new contact without phone: the phone is {by_phone.named()}'s, who has another e-mail."
                )
                phone = None
            else:
                draft = by_phone
        new = draft is None
        if draft is None:
            draft = self._add(Draft(None, None, None, {}, {}, set()))
        changed = self._learn(draft, given, phone)
        draft.changed |= changed
        return Met(
            draft,
            new,
            () if new else tuple(sorted(changed)),
            draft.details.get("account_id"),
            dict(draft.segments),
            note,
        )

    def _learn(self, draft: Draft, given: Given, phone: str | None) -> set[str]:
        """Put in what is said; the members that it changed."""
        changed: set[str] = set()
        if given.email and draft.email != given.email and draft.email_key != email_key(given.email):
            draft.email = given.email.strip()
            changed.add("email")
        if phone and draft.phone != phone and draft.phone_key != phone_key(phone):
            if draft.phone_key:
                self._by_phone.pop(draft.phone_key)  # whoever comes with it next is somebody else
            draft.phone = phone.strip()
            changed.add("phone")
        for name, value in given.details.items():
            if draft.details.get(name) != value:
                draft.details[name] = value
                changed.add("account" if name == "account_id" else name)
        for segment, word in given.segments.items():
            if draft.segments.get(segment) != word:
                changed.add(f"segments.{segment}")
                if word is None:
                    draft.segments.pop(segment)
                else:
                    draft.segments[segment] = word
        if "email" in changed or "phone" in changed:
            self._index(draft)
        return changed

    def _add(self, draft: Draft) -> Draft:
        self.drafts.append(draft)
        self._index(draft)
        return draft

    def _index(self, draft: Draft) -> None:
        if draft.email_key:
            self._by_email[draft.email_key] = draft
        if draft.phone_key:
            self._by_phone[draft.phone_key] = draft


@dataclass
class AccountDraft:
    """An account on its way into storage: `id` is None until it is stored. `names` are new ones, by their key."""

    id: int | None
    name: str
    segments: dict[str, str]
    names: dict[str, tuple[str, bool]]  # (as given, whether it is an alias)
    changed: set[str]


@dataclass(frozen=True, slots=True)
class MetAccount:
    """An account as it was right after one telling."""

    draft: AccountDraft
    new: bool
    changed: tuple[str, ...]
    segments: dict[str, str]


class AccountBook:
    """Accounts known so far, by every name they have; `meet` decides which account each next name is."""

    def __init__(self, known: Iterable[tuple[str, int, str, dict[str, str]]]) -> None:
        """`known` are (name key, id, name, segments)."""
        self.drafts: list[AccountDraft] = []
        self._by_key: dict[str, AccountDraft] = {}
        self._by_id: dict[int, AccountDraft] = {}
        self.learn_of(known)

    def learn_of(self, known: Iterable[tuple[str, int, str, dict[str, str]]]) -> None:
        """Take in stored accounts; those that are in already stay as they are here."""
        for key, id, name, segments in known:
            if id not in self._by_id:
                self._by_id[id] = AccountDraft(id, name, dict(segments), {}, set())
                self.drafts.append(self._by_id[id])
            self._by_key.setdefault(key, self._by_id[id])

    def by_id(self, id: int) -> AccountDraft | None:
        """The account of that id, if it is known here."""
        return self._by_id.get(id)

    def number(self, draft: AccountDraft, id: int) -> None:
        """Give a new account its id before it is stored."""
        draft.id = id
        self._by_id[id] = draft

    def meet(self, given: GivenAccount) -> MetAccount | None:
        """The account that is meant, with what is said of it put in; None where the alias is another account's."""
        key = account_key(given.name)
        alias = account_key(given.alias) if given.alias else None
        draft = self._by_key.get(key)
        if alias is not None and alias != key and self._by_key.get(alias, draft) is not draft:
            return None
        new = draft is None
        if draft is None:
            draft = AccountDraft(None, given.name.strip(), {}, {key: (given.name.strip(), False)}, set())
            self.drafts.append(draft)
            self._by_key[key] = draft
        changed: set[str] = set()
        if alias is not None and given.alias and alias not in self._by_key:
            draft.names[alias] = (given.alias.strip(), True)
            self._by_key[alias] = draft
            changed.add("aliases")
        for segment, word in given.segments.items():
            if draft.segments.get(segment) != word:
                changed.add(f"segments.{segment}")
                if word is None:
                    draft.segments.pop(segment)
                else:
                    draft.segments[segment] = word
        draft.changed |= changed
        return MetAccount(draft, new, () if new else tuple(sorted(changed)), dict(draft.segments))
