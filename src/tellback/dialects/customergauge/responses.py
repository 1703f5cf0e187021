"""Responses, read back: `GET /v6/rest/responses`."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from tellback.core import errors, paging, responses
from tellback.core.responses import Response
from tellback.dialects.customergauge import auth
from tellback.kit import answers
from tellback.kit.answers import Answer
from tellback.kit.call import Call
from tellback.kit.endpoint import Runner

_LIST = "responses read back"


@dataclass(frozen=True, slots=True)
class Responses:
    """The handler of `/v6/rest/responses`."""

    runner: Runner

    async def list(self, call: Call) -> Answer:
        """A page of responses, oldest first, and the cursor to go on with, now or later.

        Ids are given in commit order, so what commits late is above every cursor given before.
        """
        known = await auth.bearer(call, self.runner.limits)
        call.require_method("GET", "HEAD")
        rows, after = _page(call)
        async with call.hub.db.reading() as reader:
            found = await responses.queries.search(
                reader, known.workspace.id, responses.Filter(), after, rows
            )
        zone = ZoneInfo(known.workspace.timezone)
        cursor = paging.cursor(_LIST, found[-1].id if found else after or 0)
        return answers.of_json(200, {"data": [item(one, zone) for one in found], "cursor": cursor})


def _page(call: Call) -> tuple[int, int | None]:
    """How many rows, and above which id. Raises `Invalid` with every fault."""
    faults = []
    rows, after = paging.DEFAULT_LIMIT, None
    try:
        rows = paging.limit(call.query_value("per_page") or None)
    except errors.Malformed:
        faults.append(errors.Fault("per_page", f"The per_page must be between 1 and {paging.LARGEST_LIMIT}."))
    try:
        after = paging.place(_LIST, call.query_value("cursor") or None)
    except errors.Malformed:
        faults.append(errors.Fault("cursor", "The selected cursor is invalid."))
    if faults:
        raise errors.Invalid(faults)
    return rows, after


def item(found: Response, zone: ZoneInfo) -> dict[str, Any]:
    """A response in the vendor's words, its times in the workspace's zone (contract, "Responses, read back")."""
    person = found.contact
    nps = found.scores.get("nps", found.score if found.kind == "nps" else None)
    return {
        "number_customergauge": found.id,
        "email": person.email if person else None,
        "phone": person.phone if person else None,
        "contact": {
            "first_name": person.first_name if person else None,
            "last_name": person.last_name if person else None,
        },
        "account": {"name": found.account[1]} if found.account else None,
        "nps": None if nps is None else responses.rules.number(float(nps)),
        "comment": found.comment,
        "touchpoint": found.touchpoint,
        "date_creation": _local(found.created_at, zone),
        "date_sent": _local(found.sent_at, zone),
        "date_completed": _local(found.completed_at, zone),
        "follow_up": found.follow_up,
    }


def _local(moment: datetime | None, zone: ZoneInfo) -> str | None:
    if moment is None:
        return None
    with contextlib.suppress(OverflowError):  # at the calendar's very ends
        moment = moment.astimezone(zone)
    return moment.replace(tzinfo=None).isoformat(" ", "seconds")
