"""`/hub/v1/metrics`: figures over responses (contract, "Figures")."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Any

import msgspec
from litestar import Request, get
from litestar.params import Parameter

from tellback.core import errors, responses
from tellback.core.hub import Hub
from tellback.core.responses.figures import KINDS, By, Figures, Question
from tellback.hub_api import access, filters

GROUPS: tuple[By, ...] = ("day", "week", "month", "touchpoint", "account", "survey")
PARAMETERS = ("kind", "from", "to", "group_by", "survey", "touchpoint")

_SEGMENT = "segment."
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class FiguresDocument(msgspec.Struct, kw_only=True):
    """One line: of nps, csat and ces only the one that was asked for; null where nothing is scored.

    `group` is a day (2026-01-31), an ISO week (2026-W05), a month (2026-01), a survey's id, a touchpoint, an
    account's name or a segment's value; null for what has none, and in the total.
    """

    group: str | int | None
    nps: float | msgspec.UnsetType | None = msgspec.UNSET
    csat: float | msgspec.UnsetType | None = msgspec.UNSET
    ces: float | msgspec.UnsetType | None = msgspec.UNSET
    mean: float | None
    promoters: int | None
    passives: int | None
    detractors: int | None
    scored: int
    responses: int
    sent: int


class MetricsDocument(msgspec.Struct):
    """Groups that hold anything, in order; all together."""

    data: list[FiguresDocument]
    total: FiguresDocument


@get("/metrics", summary="NPS, CSAT or CES, with counts, by groups of responses")
async def read_metrics(
    request: Request[Any, Any, Any],
    hub: Hub,
    kind: Annotated[str | None, Parameter(description="nps, csat or ces.")] = None,
    first: Annotated[str | None, Parameter(query="from", description="First day, as 2026-01-01.")] = None,
    last: Annotated[str | None, Parameter(query="to", description="Last day, included.")] = None,
    group_by: Annotated[
        str | None, Parameter(description="day, week, month, touchpoint, account, survey or segment.<name>.")
    ] = None,
    survey: str | None = None,
    touchpoint: str | None = None,
) -> MetricsDocument:
    """By the day of completion in the workspace's time zone. What is empty counts as not given."""
    known = await access.bearer(request, "hub_read")
    access.only(request, *PARAMETERS)
    asked = _question(kind or "", first or None, last or None, group_by or None, survey or None, touchpoint)
    async with hub.db.reading() as reader:
        found = await responses.metrics.answer(reader, known.workspace, asked)
    return MetricsDocument([_line(asked, one) for one in found.groups], _line(asked, found.total))


def _question(
    kind: str,
    first: str | None,
    last: str | None,
    group_by: str | None,
    survey: str | None,
    place: str | None,
) -> Question:
    """Raises `Malformed`."""
    word = filters.one_of("kind", kind, KINDS)
    assert word is not None
    days = _day("from", first), _day("to", last)
    if days[0] and days[1] and days[0] > days[1]:
        raise errors.Malformed("from must not be later than to.")
    by: By | None
    segment = None
    if group_by is not None and group_by.startswith(_SEGMENT) and len(group_by) > len(_SEGMENT):
        by, segment = "segment", group_by.removeprefix(_SEGMENT)
    elif group_by is None or group_by in GROUPS:
        by = filters.one_of("group_by", group_by, GROUPS)
    else:
        raise errors.Malformed(f"group_by must be one of {', '.join(GROUPS)} or {_SEGMENT}<name>.")
    return Question(word, *days, by, segment, filters.number("survey", survey), place or None)


def _day(name: str, text: str | None) -> date | None:
    if text is None:
        return None
    try:
        if _DATE.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise errors.Malformed(f"{name} must be a date, as 2026-01-31.")


def _line(asked: Question, found: Figures) -> FiguresDocument:
    return FiguresDocument(
        group=found.group,
        **{asked.kind: found.value},
        mean=found.mean,
        promoters=found.promoters,
        passives=found.passives,
        detractors=found.detractors,
        scored=found.scored,
        responses=found.responses,
        sent=found.sent,
    )
