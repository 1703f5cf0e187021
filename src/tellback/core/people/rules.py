"""Who is who. No I/O."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from tellback.core.people.model import Contact, Given

NAME_LIMIT = 255
EMAIL_LIMIT = 254  # RFC 5321, section 4.5.3.1
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
    return len(text) <= EMAIL_LIMIT and _EMAIL.fullmatch(text) is not None


def valid_phone(text: str) -> bool:
    """Digits, space, ( ) - +, and at least three digits."""
    return (
        len(text) <= NAME_LIMIT
        and _PHONE.fullmatch(text) is not None
        and sum(sign.isdigit() for sign in text) >= _LEAST_DIGITS
    )


@dataclass
class Draft:
    """A contact on its way into storage: `id` is None until it is stored, `made` tells that it was new."""

    id: int | None
    email: str | None
    phone: str | None
    details: dict[str, Any]
    segments: dict[str, str]
    changed: set[str]
    made: bool = False

    @property
    def email_key(self) -> str | None:
        return email_key(self.email) if self.email else None

    @property
    def phone_key(self) -> str | None:
        return phone_key(self.phone) if self.phone else None

    def named(self) -> str:
        return f"contact {self.id}" if self.id is not None else "a contact made in the same moment"


class Directory:
    """Contacts known so far, told apart by e-mail and phone; `meet` decides who each next person is.

    The rules are the contract's ("Put a record"): an e-mail wins over a phone; a phone that belongs
    to somebody with an e-mail of their own stays theirs; somebody without an e-mail gets it.
    """

    def __init__(self, contacts: Iterable[Contact]) -> None:
        self.drafts: list[Draft] = []
        self._by_email: dict[str, Draft] = {}
        self._by_phone: dict[str, Draft] = {}
        for one in contacts:
            self._add(Draft(one.id, one.email, one.phone, dict(one.details), dict(one.segments), set()))

    def meet(self, given: Given) -> tuple[Draft, str | None]:
        """The contact that is meant, with what is said of them put in; and a note where an identity stays open."""
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
        if draft is None:
            draft = self._add(Draft(None, None, None, {}, {}, set()))
        self._learn(draft, given, phone)
        return draft, note

    def _learn(self, draft: Draft, given: Given, phone: str | None) -> None:
        if given.email and draft.email_key != email_key(given.email):
            draft.email = given.email.strip()
            draft.changed.add("email")
        if phone and draft.phone_key != phone_key(phone):
            draft.phone = phone.strip()
            draft.changed.add("phone")
        for name, value in given.details.items():
            if draft.details.get(name) != value:
                draft.details[name] = value
                draft.changed.add("account" if name == "account_id" else name)
        for segment, word in given.segments.items():
            if draft.segments.get(segment) != word:
                draft.changed.add(f"segments.{segment}")
                if word is None:
                    draft.segments.pop(segment)
                else:
                    draft.segments[segment] = word
        self._index(draft)

    def _add(self, draft: Draft) -> Draft:
        self.drafts.append(draft)
        self._index(draft)
        return draft

    def _index(self, draft: Draft) -> None:
        if draft.email_key:
            self._by_email[draft.email_key] = draft
        if draft.phone_key:
            self._by_phone[draft.phone_key] = draft
