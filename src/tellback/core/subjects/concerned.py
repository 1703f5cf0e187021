"""Whom subjects concern: the contact and the account of each, with all that the hub's API shows of them.

The documents of tickets and responses name them in short. They hardly change, and are read when they are
needed (docs/decisions/0018).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from tellback.core import people
from tellback.core.subjects import queries
from tellback.core.subjects.documents import Document
from tellback.storage.database import Reader


async def concerned(
    reader: Reader, workspace_id: int, about: Sequence[Document]
) -> list[dict[str, Document]]:
    """For each document of a ticket, response or contact: its `contact` and `account`, where there are any.

    An account that the document does not name is the contact's.
    """
    contact_ids = [_id(one, "submitter", "contact_id") or _id(one, "contact", "id") for one in about]
    contacts = await _contacts(reader, workspace_id, contact_ids)
    found: list[dict[str, Document]] = [
        {"contact": contacts[id]} if id in contacts else {} for id in contact_ids
    ]
    account_ids = [
        _id(one, "account", "id") or _id(who, "contact", "account", "id")
        for one, who in zip(about, found, strict=True)
    ]
    accounts = await _accounts(reader, workspace_id, account_ids)
    for who, id in zip(found, account_ids, strict=True):
        if id in accounts:
            who["account"] = accounts[id]
    return found


def _id(document: Document, *path: str) -> int | None:
    value: Any = document
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value if isinstance(value, int) else None


async def _contacts(
    reader: Reader, workspace_id: int, ids: Iterable[int | None]
) -> dict[int | None, dict[str, Any]]:
    wanted = sorted({id for id in ids if id is not None})
    if not wanted:
        return {}
    external = await queries.contacts_external(reader, workspace_id, wanted)
    found: dict[int | None, dict[str, Any]] = {}
    for one in await people.queries.contacts_with(reader, workspace_id, wanted):
        account = None if one.account is None else {"id": one.account[0], "name": one.account[1]}
        plain: dict[str, Any] = msgspec.to_builtins(one)
        found[one.id] = {**plain, "account": account, "external": external.get(one.id, {})}
    return found


async def _accounts(
    reader: Reader, workspace_id: int, ids: Iterable[int | None]
) -> dict[int | None, dict[str, Any]]:
    wanted = sorted({id for id in ids if id is not None})
    if not wanted:
        return {}
    found = await people.queries.accounts_with(reader, workspace_id, wanted)
    return {one.id: msgspec.to_builtins(one) for one in found}
