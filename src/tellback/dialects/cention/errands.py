"""Errands: their reports, and the list of those that changed since they were reported."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tellback.core import errors, intake, tickets
from tellback.core.tickets import reports
from tellback.core.tickets.report_model import Marking, Seen, UnknownTickets
from tellback.core.workspaces import Workspace
from tellback.dialects.cention import access, fields, wire
from tellback.kit import strict_json
from tellback.kit.answers import Answer
from tellback.kit.call import Call
from tellback.kit.endpoint import Runner

_ID = re.compile(r"[1-9][0-9]{0,18}")


def number(text: str) -> int:
    """An id in an address. Raises `NotFound`, for nothing has another."""
    if not _ID.fullmatch(text):
        raise errors.NotFound("There is nothing with this id.")
    return int(text)


@dataclass(frozen=True, slots=True)
class Errands:
    """The handlers of reports and of the dirty list."""

    runner: Runner
    reports: reports.Reports

    @classmethod
    def of(cls, runner: Runner) -> Errands:
        return cls(runner, tickets.reports.Reports(runner.hub.db))

    async def report(self, call: Call) -> Answer:
        """GET: one errand. It is clean then, unless it has changed since it was read; HEAD leaves it as it is."""
        workspace = await access.enter(call, self.runner.limits, "GET", "HEAD")
        wanted = fields.wanted(call.query, wire.REPORTS, wire.REPORT_ATTRIBUTES)
        errand = number(call.path_part("id"))
        found = await self.reports.find(workspace.id, errand)
        if found is None:
            raise errors.NotFound("There is no such errand.")
        if found.dirty and access.reads(call):
            await call.hub.commits.write(reports.CLEAR, Seen(workspace.id, found.id, found.revision))
        return access.answer(200, wire.report(found, workspace, call.base_url, wanted))

    async def list(self, call: Call) -> Answer:
        """GET: the errands that are dirty. POST: make errands dirty."""
        workspace = await access.enter(call, self.runner.limits, "GET", "HEAD", "POST")
        if call.method == "POST":
            return await self._mark(call, workspace)
        return await self._listed(call, workspace)

    async def one(self, call: Call) -> Answer:
        """GET of the list by its id."""
        workspace = await access.enter(call, self.runner.limits, "GET", "HEAD")
        if call.path_part("id") != wire.THE_LIST:
            raise errors.NotFound("There is one list, and its id is 0.")
        return await self._listed(call, workspace)

    async def _listed(self, call: Call, workspace: Workspace) -> Answer:
        wanted = fields.wanted(call.query, wire.DIRTY, wire.DIRTY_ATTRIBUTES)
        async with call.hub.db.reading() as reader:
            return access.answer(200, wire.listed(await reports.dirty(reader, workspace.id), wanted))

    async def _mark(self, call: Call, workspace: Workspace) -> Answer:
        fields.wanted(call.query, wire.DIRTY, wire.DIRTY_ATTRIBUTES)
        body = strict_json.loads(await call.read_body())

        async def mark(key: intake.Key | None) -> Answer:
            errands = wire.marked(body)
            marking = Marking(workspace.id, tuple(errands))
            location = f"{call.path.rstrip('/')}/{wire.THE_LIST}".encode()
            rendered = access.answer(
                201, wire.document(wire.DIRTY, wire.THE_LIST, None), ((b"location", location),)
            )
            try:
                return await self.runner.store(call, reports.MARK, marking, lambda _: rendered, key)
            except UnknownTickets as refused:
                raise wire.unknown(refused.places, errands) from None

        return await self.runner.once(call, call.fingerprint, mark)
