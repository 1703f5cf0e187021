"""The documents of what events are about, as the hub's API shows them, where the event does not carry its own.

Tickets and ratings bring theirs along, made in the event's transaction. Responses, sessions, people and accounts
are read when the event is acted on, moments later (docs/decisions/0018).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

import msgspec

from tellback.core import changes, people, responses, reviews, surveys, tickets
from tellback.core.conditions import Conditions
from tellback.core.subjects import queries
from tellback.storage.database import Reader

Document = Mapping[str, Any]
#: By subject type and id.
Documents = dict[tuple[str, str], Document]

_PREFILTERED: Final = ("project", "type", "status", "tag")


async def missing(reader: Reader, workspace_id: int, read: Sequence[changes.Change]) -> Documents:
    """Documents for the changes that carry none; what is gone by now is left out."""
    wanted = {(one.subject_type, one.subject_id) for one in read if one.snapshot is None}
    found: Documents = {}
    for subject_type, subject_id in sorted(wanted):
        document_ = await document(reader, workspace_id, subject_type, subject_id)
        if document_ is not None:
            found[subject_type, subject_id] = document_
    return found


async def document(reader: Reader, workspace_id: int, subject_type: str, subject_id: str) -> Document | None:
    """A subject as it is now; None for one that is not there, or of a type without documents."""
    read = _READ.get(subject_type)
    if read is None or (subject_type != "session" and not subject_id.isdigit()):
        return None
    return await read(reader, workspace_id, subject_id)


async def tickets_above(
    reader: Reader, workspace_id: int, when: Conditions, after: int | None, limit: int
) -> list[tuple[int, Document]]:
    """The next tickets, above id `after`, that may fit conditions; those that cannot are left out where SQL can tell."""
    exact = [when[name] if isinstance(when.get(name), str) else None for name in _PREFILTERED]
    ids = await queries.tickets_above(reader, workspace_id, after or 0, limit, *exact)
    made = await tickets.documents(reader, workspace_id, ids)
    return [(id, made[id]) for id in ids]


async def _ticket(reader: Reader, workspace_id: int, id: str) -> Document | None:
    return (await tickets.documents(reader, workspace_id, [int(id)])).get(int(id))


async def _rating(reader: Reader, workspace_id: int, id: str) -> Document | None:
    found = await reviews.queries.rating(reader, workspace_id, int(id))
    return None if found is None else reviews.rules.document(found)


async def _response(reader: Reader, workspace_id: int, id: str) -> Document | None:
    found = await responses.queries.search(reader, workspace_id, responses.Filter(), int(id) - 1, 1)
    if not found or found[0].id != int(id):
        return None
    plain: dict[str, Any] = msgspec.to_builtins(found[0])
    plain["source"] = {"channel": plain.pop("channel"), "key": plain.pop("source_key")}
    plain["account"] = _named(found[0].account)
    plain["score"] = None if found[0].score is None else responses.rules.number(found[0].score)
    plain["scores"] = {metric: responses.rules.number(float(one)) for metric, one in found[0].scores.items()}
    plain["external"] = await queries.external(reader, "response", workspace_id, int(id))
    return plain


async def _contact(reader: Reader, workspace_id: int, id: str) -> Document | None:
    found = await people.queries.contacts(reader, workspace_id, int(id) - 1, 1)
    if not found or found[0].id != int(id):
        return None
    plain: dict[str, Any] = msgspec.to_builtins(found[0])
    plain["account"] = _named(found[0].account)
    plain["external"] = await queries.external(reader, "contact", workspace_id, int(id))
    return plain


async def _account(reader: Reader, workspace_id: int, id: str) -> Document | None:
    found = await people.queries.accounts(reader, workspace_id, int(id) - 1, 1)
    if not found or found[0].id != int(id):
        return None
    plain: dict[str, Any] = msgspec.to_builtins(found[0])
    return plain


async def _session(reader: Reader, workspace_id: int, token: str) -> Document | None:
    number = await queries.session_number(reader, workspace_id, token)
    if number is None:
        return None
    found = await surveys.listing_queries.sessions(reader, workspace_id, 1e9, number - 1, 1)
    if not found:
        return None
    plain: dict[str, Any] = msgspec.to_builtins(found[0])
    del plain["number"]
    plain["id"], plain["survey"] = plain.pop("token"), plain.pop("survey_id")
    return plain


def _named(account: tuple[int, str] | None) -> dict[str, Any] | None:
    return None if account is None else {"id": account[0], "name": account[1]}


_READ: Final[Mapping[str, Callable[[Reader, int, str], Awaitable[Document | None]]]] = {
    "ticket": _ticket,
    "rating": _rating,
    "response": _response,
    "contact": _contact,
    "account": _account,
    "session": _session,
}
