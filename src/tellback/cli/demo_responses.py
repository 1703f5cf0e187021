"""The demo's survey records: what a CRM would hand over in a file, believable and the same in every demo.

Only the dates differ: the records lead up to the day on which they are made.
"""

from __future__ import annotations

import asyncio
import csv
import importlib.resources
import os
import random
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import yaml

from tellback.core import imports, responses, workspaces
from tellback.core.actor import OPERATOR
from tellback.core.imports import runs
from tellback.core.responses import figures
from tellback.storage.database import Database

CONFIGURATION = "demo-crm"
COUNT = 2_000
HEADINGS = (
    *("Account Name", "Region", "First Name", "Last Name", "Email"),
    *("Sent Date", "Survey Completed Date", "NPS Score", "Comment", "Touchpoint"),
)
_DAYS = 180
_PEOPLE = 640
_COMMENTED = 0.45
_TOUCHPOINTS = {"Onboarding": 3, "Support": 4, "Delivery": 3, "Renewal": 2}
_SCORES = {"promoter": (9, 10, 10), "passive": (7, 8, 8), "detractor": (6, 6, 5, 5, 4, 3, 2, 0)}


@dataclass(frozen=True)
class Brought:
    """What the records come to: how many there are, their NPS, and that of each month with its responses."""

    responses: int
    nps: float | None
    months: Sequence[tuple[str, float | None, int]]


async def brought_in(db: Database, slug: str, file: Path) -> Brought:
    """Bring the records in from `file`, which is made where it is not there; once, whatever stops it half-way."""
    async with db.reading() as reader:
        workspace = await workspaces.find(reader, slug)
        configuration = await imports.queries.configuration(reader, workspace.id, CONFIGURATION)
        known = await imports.queries.runs(reader, workspace.id, None, 1)
    assert configuration is not None
    if not known or known[0].finished_at is None:
        await asyncio.to_thread(_written, file)
        await runs.run(db, runs.Job(imports.mapping.compiled(configuration), file, OPERATOR))
    async with db.reading() as reader:
        answer = await responses.metrics.answer(reader, workspace, figures.Question("nps", by="month"))
    months = [(str(one.group), one.value, one.responses) for one in answer.groups]
    return Brought(answer.total.responses, answer.total.value, months)


def _written(file: Path) -> None:
    """Make the file where it is not there: as CSV, whole or not at all."""
    if file.exists():
        return
    today = datetime.now(UTC).date()
    unfinished = file.with_name(f"{file.name}.part")
    with unfinished.open("w", newline="", encoding="utf-8") as out:
        writer = csv.writer(out)
        writer.writerow(HEADINGS)
        writer.writerows(rows(today))
    os.replace(unfinished, file)


def rows(today: date) -> Iterator[tuple[str, ...]]:
    """So many records in the order of their completion, under `HEADINGS`; the newest are of the day before."""
    text = (importlib.resources.files(__package__) / "demo_data" / "customers.yaml").read_text("utf-8")
    said: dict[str, Any] = yaml.safe_load(text)
    chosen = random.Random(COUNT)  # noqa: S311 - the same in every demo
    people = _people(said, chosen)
    for completed in sorted(_moment(today, chosen) for _ in range(COUNT)):
        touchpoint = chosen.choices(list(_TOUCHPOINTS), list(_TOUCHPOINTS.values()))[0]
        band = _band(touchpoint, 1 - (today - completed.date()).days / _DAYS, chosen)
        sent = completed - timedelta(minutes=chosen.randrange(15, 4_000))
        yield (
            *chosen.choice(people),
            sent.isoformat(" ", "seconds"),
            completed.isoformat(" ", "seconds"),
            str(chosen.choice(_SCORES[band])),
            _comment(said, touchpoint, band, chosen),
            touchpoint,
        )


def _people(said: Mapping[str, Any], chosen: random.Random) -> list[tuple[str, ...]]:
    """(Company, region, first name, last name, address), each once."""
    companies = [(name, region) for region, names in said["companies"].items() for name in names]
    found: dict[str, tuple[str, ...]] = {}
    while len(found) < _PEOPLE:
        company, region = chosen.choice(companies)
        first, last = chosen.choice(said["first_names"]), chosen.choice(said["last_names"])
        address = f"{_plain(first)}.{_plain(last)}@{_plain(company)}.example"
        found[address] = (company, region, first, last, address)
    return list(found.values())


def _plain(name: str) -> str:
    """As it stands in an address: "Gotland Cykel & Kust" is gotlandcykelkust."""
    letters = unicodedata.normalize("NFKD", name.lower().replace("ø", "o"))
    return "".join(letter for letter in letters if letter.isascii() and letter.isalnum())


def _moment(today: date, chosen: random.Random) -> datetime:
    """In the daytime, more often lately, seldom at weekends."""
    day = today - timedelta(days=1 + int(_DAYS * chosen.betavariate(1, 1.3)))
    if day.weekday() >= 5 and chosen.random() < 0.7:
        day -= timedelta(days=2)
    return datetime.combine(day, time(8)) + timedelta(seconds=chosen.randrange(12 * 3_600))


def _band(touchpoint: str, progress: float, chosen: random.Random) -> str:
    """Support, weak half a year ago, has come to be the best; renewal is what people like least."""
    unhappy = {"Onboarding": 0.2, "Support": 0.42 - 0.32 * progress, "Delivery": 0.22, "Renewal": 0.3}[
        touchpoint
    ]
    promoting = {"Onboarding": 0.5, "Support": 0.3 + 0.32 * progress, "Delivery": 0.46, "Renewal": 0.34}[
        touchpoint
    ]
    drawn = chosen.random()
    if drawn < unhappy:
        return "detractor"
    return "promoter" if drawn < unhappy + promoting else "passive"


def _comment(said: Mapping[str, Any], touchpoint: str, band: str, chosen: random.Random) -> str:
    if chosen.random() > _COMMENTED:
        return ""
    words = [chosen.choice(said["how"][band]), chosen.choice(said["about"][touchpoint][band])]
    return " ".join(words if chosen.random() < 0.6 else words[1:] if chosen.random() < 0.7 else words[:1])
