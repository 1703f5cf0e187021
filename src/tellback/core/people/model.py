"""People who give feedback, and the accounts they belong to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Participant:
    """A person who may submit in a project."""

    contact_id: int
    email: str
    name: str


@dataclass(frozen=True, slots=True)
class Given:
    """What a record, a form or a respondent says of a person; e-mail or phone must be there.

    `details` has any of first_name, last_name, job_title, language (texts) and account_id; what is absent
    stays as it is stored, None clears it. The same holds for the single `segments`.
    """

    email: str | None
    phone: str | None
    details: Mapping[str, Any] = field(default_factory=dict)
    segments: Mapping[str, str | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Contact:
    """A contact as it is stored."""

    id: int
    email: str | None
    phone: str | None
    email_key: str | None
    phone_key: str | None
    details: Mapping[str, Any]
    segments: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Known:
    """Who was meant, and what this one telling did: `created` the contact, or `changed` these members of it.

    Account and segments are those right after it; `note` tells of an identity left open.
    """

    contact_id: int
    account_id: int | None
    segments: Mapping[str, str]
    created: bool
    changed: tuple[str, ...]
    note: str | None


@dataclass(frozen=True, slots=True)
class GivenAccount:
    """What a record says of an account. Absent segments stay as they are stored, None clears one."""

    name: str
    alias: str | None = None
    segments: Mapping[str, str | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class KnownAccount:
    """The account a name stands for, and what this one telling did; the segments are those right after it."""

    id: int
    segments: Mapping[str, str]
    created: bool
    changed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AccountRecord:
    """An account as it is read."""

    id: int
    name: str
    aliases: list[str]
    segments: dict[str, str]
    created_at: datetime
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class ContactRecord:
    """A contact as it is read; `account` is (id, name)."""

    id: int
    email: str | None
    phone: str | None
    first_name: str | None
    last_name: str | None
    job_title: str | None
    language: str | None
    account: tuple[int, str] | None
    segments: dict[str, str]
    created_at: datetime
    changed_at: datetime
