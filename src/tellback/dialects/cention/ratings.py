"""Ratings of public pages, and the list of those that changed since they were reported."""

from __future__ import annotations

from dataclasses import dataclass

from tellback.core import errors, reviews
from tellback.dialects.cention import access, errands, fields, wire
from tellback.kit.answers import Answer
from tellback.kit.call import Call
from tellback.kit.endpoint import Runner


@dataclass(frozen=True, slots=True)
class Ratings:
    """The handlers of ratings."""

    runner: Runner

    async def list(self, call: Call) -> Answer:
        """GET: the ratings that are dirty; removed ones are not among them."""
        workspace = await access.enter(call, self.runner.limits, "GET", "HEAD")
        fields.wanted(call.query, wire.DIRTY_RATINGS, ())
        async with call.hub.db.reading() as reader:
            return access.answer(200, wire.dirty_ratings(await reviews.queries.dirty(reader, workspace.id)))

    async def one(self, call: Call) -> Answer:
        """GET: one rating. It is clean then, as an errand is; one that was removed at the platform is not there."""
        workspace = await access.enter(call, self.runner.limits, "GET", "HEAD")
        wanted = fields.wanted(call.query, wire.RATINGS, wire.RATING_ATTRIBUTES)
        id = errands.number(call.path_part("id"))
        found = None
        if id < 2**63:
            async with call.hub.db.reading() as reader:
                found = await reviews.queries.rating(reader, workspace.id, id)
        if found is None or found.removed:
            raise errors.NotFound("There is no such rating.")
        if found.revision > found.reported and access.reads(call):
            await call.hub.commits.write(reviews.CLEAR, reviews.Seen(workspace.id, found.id, found.revision))
        return access.answer(200, wire.rating(found, wanted))
