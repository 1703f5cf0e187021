"""`/hub/v1/contacts/{id}`: erasing a person, and everything that is held on them before that."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Request, Response, delete, get
from litestar.openapi import ResponseSpec
from litestar.params import Parameter

from tellback.core import erasure, errors
from tellback.core.hub import Hub
from tellback.hub_api import access, writes
from tellback.hub_api.documents import Problem
from tellback.hub_api.erasure_documents import ContactExport, export
from tellback.kit import answers
from tellback.kit.answers import Answer
from tellback.kit.call import Call
from tellback.kit.endpoint import Runner

Contact = Annotated[str, Parameter(description="The contact's `id`.")]
_IN_USE = {
    409: ResponseSpec(
        Problem, media_type=answers.PROBLEM.decode(), generate_examples=False,
        description="The contact is somebody's default submitter in the configuration.",
    )
}  # fmt: skip


@get("/contacts/{contact:str}/export", summary="All that is held on a person")
async def export_contact(request: Request[Any, Any, Any], hub: Hub, contact: Contact) -> ContactExport:
    """The contact, what they sent, what was answered to them, and what was sent out and logged about them."""
    known = await access.bearer(request, "hub_read")
    access.only(request)
    async with hub.db.reading() as reader:
        return export(await erasure.held(reader, known.workspace.id, _number(contact)))


@delete("/contacts/{contact:str}", summary="Erase a person", status_code=204, responses=_IN_USE)
async def erase_contact(request: Request[Any, Any, Any], hub: Hub, contact: Contact) -> Response[None]:
    """Name, e-mail, phone, texts and files they sent are gone from everywhere; scores, dates and choices stay.

    Takes some seconds. To ask again, after a refusal as well, does what is left to do.
    """

    async def work(call: Call, _: Runner) -> Answer:
        assert call.credential is not None
        access.only(request)  # who asks for `dry_run` must not get it done
        await call.read_body()
        call.body = b""  # of no use here, and not for the log
        order = erasure.Order(
            call.credential.workspace.id, _number(contact), call.credential.name, call.entry(204)
        )
        await erasure.erase(hub.db, hub.blobs, order)
        hub.configuration.forget()
        return Answer(204, b"")

    return await writes.answered(request, "hub_write", work)


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise errors.NotFound("There is no such contact.")
    return int(text)
