"""Creating a ticket from posted JSON, and reading it back."""

from __future__ import annotations

from dataclasses import dataclass

from tellback.core import errors, files, intake, projects, tickets
from tellback.core.projects import Project, Source
from tellback.core.tickets import Filed, NewTicket
from tellback.core.workspaces import Credential
from tellback.dialects.centercode import auth, wire
from tellback.kit import answers
from tellback.kit.answers import Answer
from tellback.kit.call import Call
from tellback.kit.endpoint import Runner


@dataclass(frozen=True, slots=True)
class Feedback:
    """The handlers of `P/feedback/<source>` and `P/feedback/<source>/<id>`."""

    runner: Runner

    async def create(self, call: Call) -> Answer:
        """POST: a JSON object becomes a ticket (seed 000, "Configure your External Source")."""
        known = await auth.credential(call, self.runner.limits)
        project, source = await auth.source(call, known, call.path_part("project"), call.path_part("source"))
        call.require_method("POST")
        parameters = await call.json_object()

        async def file(key: intake.Key | None) -> Answer:
            mapped = projects.map_parameters(source, project, parameters)
            call.notes.mapped = mapped
            if mapped.faults:
                raise errors.Invalid(mapped.faults)
            new = _new_ticket(known, project, source, mapped, call.hops)
            return await self.runner.store(call, tickets.FILE, new, answer, key)

        def answer(filed: Filed) -> Answer:
            body = wire.created(call.base_url, project, source, filed)
            return answers.of_json(
                201, body, ((b"location", wire.location(project, source, filed).encode()),)
            )

        return await self.runner.once(call, call.fingerprint, file)

    async def read(self, call: Call) -> Answer:
        """GET: the ticket as stored, by number or display id."""
        known = await auth.credential(call, self.runner.limits)
        _, source = await auth.source(call, known, call.path_part("project"), call.path_part("source"))
        call.require_method("GET", "HEAD")
        async with call.hub.db.reading() as reader:
            found = await tickets.find(reader, known.workspace.id, call.path_part("feedback"))
            if found is None or found.deleted or found.type_id != source.type.id:
                raise errors.NotFound("There is no such ticket.")
            attached = await files.of_ticket(reader, known.workspace.id, [found.id])
        return answers.of_json(200, wire.ticket(found, attached.get(found.id, [])))


def _new_ticket(
    known: Credential, project: Project, source: Source, mapped: projects.Mapped, hops: int
) -> NewTicket:
    assert mapped.status is not None
    return NewTicket(
        workspace_id=known.workspace.id,
        project_id=project.id,
        project_key=project.key,
        type_id=source.type.id,
        type_key=source.type.key,
        prefix=source.type.prefix,
        digits=source.type.digits,
        channel="external_source",
        source_id=source.id,
        source_key=source.key,
        status=mapped.status.name,
        status_kind=mapped.status.kind,
        subject=mapped.subject,
        body=None,  # the element with that role holds it, among the values
        values=mapped.values,
        submitter_id=mapped.submitter.contact_id if mapped.submitter else None,
        submitter_given=mapped.given,
        actor=f"source {source.name}",
        origin=projects.origin(source, hops),
    )
