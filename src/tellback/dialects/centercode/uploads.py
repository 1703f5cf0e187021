"""Files for a ticket, streamed to the store as they arrive."""

from __future__ import annotations

from dataclasses import dataclass

from tellback.core import errors, files, intake, projects, tickets
from tellback.core.projects import Element, Source
from tellback.core.tickets import NewAttachment, Ticket
from tellback.dialects.centercode import auth, wire
from tellback.kit import answers, multipart
from tellback.kit.answers import Answer
from tellback.kit.call import Call
from tellback.kit.endpoint import Runner


@dataclass(frozen=True, slots=True)
class Uploads:
    """The handlers of `…/feedbackTypes/<source>/<feedback>/fileElements/<parameter>`, with and without a project."""

    runner: Runner

    async def add(self, call: Call) -> Answer:
        """POST to the full address."""
        known = await auth.credential(call, self.runner.limits)
        _, source = await auth.source(call, known, call.path_part("project"), call.path_part("source"))
        ticket = await _ticket(call, known.workspace.id)
        return await self._receive(call, source, ticket)

    async def add_short(self, call: Call) -> Answer:
        """POST to the address without a project, which the ticket's own project then gives."""
        known = await auth.credential(call, self.runner.limits)
        ticket = await _ticket(call, known.workspace.id)
        if ticket is None:
            raise errors.NotFound("There is no such ticket.")
        _, source = await auth.source(call, known, ticket.project, call.path_part("source"))
        return await self._receive(call, source, ticket)

    async def _receive(self, call: Call, source: Source, ticket: Ticket | None) -> Answer:
        parameter = _parameter(call)
        element = projects.file_element(source, parameter)
        if ticket is None or ticket.deleted or ticket.type_id != source.type.id or element is None:
            raise errors.NotFound("There is no such ticket or file element.")
        call.require_method("POST")
        call.require_media_type("multipart/form-data")
        limit = call.hub.settings.max_file_size
        if multipart.announced_too_large(call.announced_length, limit):
            raise errors.TooLarge(f"A file may have {limit} bytes at most.")
        form = await multipart.receive_files(
            call.chunks(), call.header(b"content-type") or "", call.hub.blobs, max_file_size=limit
        )
        return await self._attach(call, form, source, element, parameter, ticket)

    async def _attach(
        self,
        call: Call,
        form: multipart.ReceivedForm,
        source: Source,
        element: Element,
        parameter: str,
        ticket: Ticket,
    ) -> Answer:
        """Store the rows of files that are on disk; remove the files if the rows cannot be stored."""
        credential = call.credential
        assert credential is not None
        call.notes.created = ("ticket", str(ticket.id))
        call.notes.contents = ", ".join(f"{file.name} ({file.stored.size} bytes)" for file in form.files)
        kept = False

        async def attach(key: intake.Key | None) -> Answer:
            nonlocal kept
            new = NewAttachment(
                credential.workspace.id,
                ticket.id,
                f"source {source.name}",
                tuple(
                    files.NewFile(
                        element.key, parameter, file.name, file.media_type,
                        file.stored.size, file.stored.sha256, file.stored.name,
                    )
                    for file in form.files
                ),
                projects.origin(source, call.hops),
            )  # fmt: skip
            answer = await self.runner.store(
                call, tickets.ATTACH, new, lambda stored: answers.of_json(201, wire.files(stored)), key
            )
            kept = True
            return answer

        try:
            return await self.runner.once(call, lambda: form.fingerprint, attach)
        finally:
            if not kept:
                await form.discard(call.hub.blobs)


async def _ticket(call: Call, workspace_id: int) -> Ticket | None:
    async with call.hub.db.reading() as reader:
        return await tickets.find(reader, workspace_id, call.path_part("feedback"))


def _parameter(call: Call) -> str:
    """The last part of the path, without the `apiKey=` that seed 000 prints behind it."""
    part, literal, _ = call.path_part("parameter").rpartition("apiKey=")
    return part.removesuffix("?") if literal else call.path_part("parameter")
