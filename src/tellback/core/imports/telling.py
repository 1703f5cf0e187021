"""One record on its way into storage: what it says of people, and what it becomes. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tellback.core import errors, responses
from tellback.core.imports.model import Mapped, NewRecord, Stored
from tellback.core.people import Given, Known, KnownAccount


@dataclass(slots=True)
class Told:
    """A record with the people it names, as far as they are known by now; `segments` are its response's copies."""

    new: NewRecord
    account: KnownAccount | None = None
    owner: KnownAccount | None = None
    contact: Known | None = None
    segments: dict[str, Any] | None = None
    account_id: int | None = None

    @property
    def workspace_id(self) -> int:
        return self.new.mapping.configuration.workspace_id


def alias_taken(mapping: Mapped) -> errors.Invalid:
    """What is wrong with an alias that is another account's name or alias."""
    heading = mapping.alias or ""
    return errors.Invalid([errors.Fault(heading, f"The {heading} is another account's name or alias.")])


def person(one: Told, given: Given) -> Given:
    """The contact with its account: the one it is said to belong to, else the one the record names."""
    account = one.owner or (one.account if "account_id" not in given.details else None)
    if account is None:
        return given
    return Given(given.email, given.phone, {**given.details, "account_id": account.id}, given.segments)


def response(one: Told) -> responses.NewResponse:
    """The response that a record is."""
    said = dict(one.new.record.response or {})
    score = said.pop("score", None)
    return responses.NewResponse(
        workspace_id=one.workspace_id,
        channel=one.new.channel,
        source_key=one.new.source_key,
        complete=True,
        configuration=one.new.mapping.configuration.reference,
        kind=None if score is None else "nps",
        score=score,
        scores={} if score is None else {"nps": score},
        contact_id=one.contact.contact_id if one.contact else None,
        account_id=one.account_id,
        segments=one.segments or {},
        **said,
    )


def stored(one: Told, response_id: int | None) -> Stored:
    """What became of a record: its response where it made one, else its contact or account."""
    if response_id is not None:
        return Stored("response", response_id, "created")
    if one.contact is not None:
        contact = one.contact
        account_news = one.account is not None and (one.account.created or bool(one.account.changed))
        changed = bool(contact.changed) or account_news
        verdict = "created" if contact.created else "updated" if changed else "unchanged"
        return Stored("contact", contact.contact_id, verdict)  # type: ignore[arg-type]
    assert one.account is not None
    account = one.account
    verdict = "created" if account.created else "updated" if account.changed else "unchanged"
    return Stored("account", account.id, verdict)  # type: ignore[arg-type]
