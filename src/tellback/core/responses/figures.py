"""Figures over responses: what counts, in which group, and what it comes to. No I/O.

Source: contract, "Figures". NPS is the share of promoters (9 and 10) less that of detractors (0 to 6); CSAT
the share of the two highest answers of the question's scale; CES the mean. Shares are per cent.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

Kind = Literal["nps", "csat", "ces"]
By = Literal["day", "week", "month", "touchpoint", "account", "survey", "segment"]
KINDS: tuple[Kind, ...] = ("nps", "csat", "ces")
TIMES: tuple[By, ...] = ("day", "week", "month")

PROMOTER = 9  # and above
DETRACTOR = 6  # and below

_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked. Days are the workspace's, both included; None leaves an end open.

    `segment` is the segment's name where `by` says segment; `by` None asks for the total alone.
    """

    kind: Kind
    first: date | None = None
    last: date | None = None
    by: By | None = None
    segment: str | None = None
    survey: int | None = None
    touchpoint: str | None = None


@dataclass(frozen=True, slots=True)
class Sums:
    """What responses add up to: `high` are promoters or satisfied ones, `low` detractors."""

    responses: int = 0
    sent: int = 0
    scored: int = 0
    total: float = 0.0
    high: int = 0
    low: int = 0


@dataclass(frozen=True, slots=True)
class Figures:
    """One line of the answer. `value` and `mean` are rounded to two decimals, None where nothing is scored.

    Promoters, passives and detractors are NPS's own, None for other kinds.
    """

    group: str | int | None
    value: float | None
    mean: float | None
    promoters: int | None
    passives: int | None
    detractors: int | None
    scored: int
    responses: int
    sent: int


@dataclass(frozen=True, slots=True)
class Periods:
    """Stretches of time, one after the other: `starts` (UTC) of each, `labels` of each, and where the last ends.

    `split` are the hours (UTC) that a start or the end cuts in two, in zones that are no whole hours from UTC.
    """

    starts: list[datetime]
    labels: list[str]
    end: datetime

    @property
    def hours(self) -> tuple[datetime, datetime]:
        """The first hour that has a part in the periods, and the one after the last."""
        return _floor(self.starts[0]), _floor(self.end + _HOUR - timedelta.resolution)

    @property
    def split(self) -> list[datetime]:
        return sorted({_floor(edge) for edge in (*self.starts, self.end) if edge != _floor(edge)})


def periods(zone: ZoneInfo, first: date, last: date, by: By | None) -> Periods:
    """The days, weeks or months of a zone from one day to another, both included; else all in one."""
    days = [first, *_starts_after(first, last, by)]
    return Periods(
        [_midnight(day, zone) for day in days],
        [label(day, by) for day in days],
        _midnight(last + _DAY, zone),
    )


def label(day: date, by: By | None) -> str:
    """What the day's stretch of time is called (ISO 8601): 2026-01-31, 2026-W05, 2026-01."""
    if by == "month":
        return f"{day.year:04}-{day.month:02}"
    if by == "week":
        year, week, _ = day.isocalendar()
        return f"{year:04}-W{week:02}"
    return day.isoformat()


def _starts_after(first: date, last: date, by: By | None) -> Iterator[date]:
    if by not in TIMES:
        return
    day = first
    while True:
        if by == "day":
            day += _DAY
        elif by == "week":
            day += timedelta(days=7 - day.weekday())
        else:
            day = (day.replace(day=28) + timedelta(days=4)).replace(day=1)
        if day > last:
            return
        yield day


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    """The day's first moment. Where the clock goes forward at midnight, that is when it does (PEP 495, fold 0)."""
    return datetime.combine(day, time.min, zone).astimezone(UTC)


def _floor(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)


def added(sums: Iterable[Sums]) -> Sums:
    """All of them together."""
    every = list(sums)
    return Sums(**{one.name: sum(getattr(part, one.name) for part in every) for one in fields(Sums)})


def figures(kind: Kind, group: str | int | None, sums: Sums) -> Figures:
    """What the sums come to."""
    value = mean = None
    if sums.scored:
        mean = round(sums.total / sums.scored, 2)
        value = mean if kind == "ces" else round(100 * (sums.high - sums.low) / sums.scored, 2)
    nps = kind == "nps"
    return Figures(
        group=group,
        value=value,
        mean=mean,
        promoters=sums.high if nps else None,
        passives=sums.scored - sums.high - sums.low if nps else None,
        detractors=sums.low if nps else None,
        scored=sums.scored,
        responses=sums.responses,
        sent=sums.sent,
    )
