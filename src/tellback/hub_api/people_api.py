"""`/hub/v1/contacts` and `/hub/v1/accounts`: reading people and who they belong to."""

from __future__ import annotations

from typing import Any

from litestar import Request, get

from tellback.core import paging, people
from tellback.core.hub import Hub
from tellback.hub_api import access
from tellback.hub_api.documents import Page
from tellback.hub_api.surveys_documents import AccountDocument, ContactDocument
from tellback.hub_api.surveys_documents import account as account_document
from tellback.hub_api.surveys_documents import contact as contact_document
from tellback.hub_api.tickets_api import After, Limit


@get("/contacts", summary="Contacts, oldest first")
async def list_contacts(
    request: Request[Any, Any, Any],
    hub: Hub,
    after: After = None,
    limit: Limit = None,
    email: str | None = None,
    phone: str | None = None,
    account: str | None = None,
) -> Page[ContactDocument]:
    """E-mail and phone are compared as everywhere: without regard to case, and to how digits are set apart."""
    known = await access.bearer(request, "hub_read")
    access.only(request, "email", "phone", "account", "after", "limit")
    place, rows = paging.place("contact", after), paging.limit(limit)
    async with hub.db.reading() as reader:
        found = await people.queries.contacts(
            reader, known.workspace.id, place, rows + 1, email=email, phone=phone, account=account
        )
    more, found = len(found) > rows, found[:rows]
    return Page(
        [contact_document(one) for one in found], paging.cursor("contact", found[-1].id) if more else None
    )


@get("/accounts", summary="Accounts, oldest first")
async def list_accounts(
    request: Request[Any, Any, Any],
    hub: Hub,
    after: After = None,
    limit: Limit = None,
    name: str | None = None,
) -> Page[AccountDocument]:
    """`name` is a name or an alias, without regard to case."""
    known = await access.bearer(request, "hub_read")
    access.only(request, "name", "after", "limit")
    place, rows = paging.place("account", after), paging.limit(limit)
    async with hub.db.reading() as reader:
        found = await people.queries.accounts(reader, known.workspace.id, place, rows + 1, name=name)
    more, found = len(found) > rows, found[:rows]
    return Page(
        [account_document(one) for one in found], paging.cursor("account", found[-1].id) if more else None
    )
