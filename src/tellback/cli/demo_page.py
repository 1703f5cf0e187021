"""What the demo prints: where it is, what opens it, and lines that work when they are pasted."""

from __future__ import annotations

import shlex
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tellback.cli import databases, demo_lines
from tellback.cli.demo_responses import Brought


@dataclass(frozen=True)
class Page:
    """The last lines are those to begin with: they are what a terminal shows when all is printed."""

    place: databases.Place
    at: demo_lines.Place
    token: str = field(repr=False)
    reports_token: str = field(repr=False)
    tracker: str  # the address of the team's systems
    tickets: int
    records: Brought

    def lines(self) -> Iterator[str]:
        yield ""
        yield from self._what_there_is()
        for heading, lines in demo_lines.by_dialect(self.at):
            yield from ("", f"== {heading} ==")
            for line in lines:
                yield from (f"{line.heading}:", f"  {line.command}")
        yield from ("", "== Begin here: paste these into another terminal, one after the other ==")
        for line in demo_lines.first(self.at):
            yield from (f"{line.heading}:", f"  {line.command}")
        yield f"Take a survey in a browser: {self.survey_page}"
        yield ""
        yield "What comes in and what goes out is shown here as it happens. Ctrl-C ends the demo."
        yield ""

    def _what_there_is(self) -> Iterator[str]:
        where = "your own database" if self.place.database_url else str(self.place.data)
        yield f"Workspace demo (Demo Ltd) with {self.tickets} tickets, kept in {where}."
        yield f"{self.records.responses:,} responses, NPS {_figure(self.records.nps)}. By month:"
        for month, nps, count in self.records.months:
            yield f"  {month}  {_figure(nps):>6}  of {count:>5,}"
        yield ""
        for name, key in self.at.keys.items():
            yield f"  API key {name}: {key}"
        yield "  survey key Kiosk: apikey {}, apisecret {}".format(*demo_lines.SURVEY_KEY)
        yield "  connected app CRM: client_id {client_id}, client_secret {client_secret}".format_map(
            demo_lines.CLIENT
        )
        yield f"  access tokens, made anew at every start: {self.at.hub_header} (hub_read, hub_write)"
        yield f"                                           {self.at.reports_header} (errand_data)"
        yield f"  the team's issue tracker and chat, played by the demo: {self.tracker}"

    def document(self) -> dict[str, Any]:
        lines = [
            *demo_lines.first(self.at),
            *(one for _, some in demo_lines.by_dialect(self.at) for one in some),
        ]
        return {
            "ready": self.at.address,
            "workspace": "demo",
            "data": str(self.place.data),
            "tickets": self.tickets,
            "responses": self.records.responses,
            "nps": self.records.nps,
            "api_keys": dict(self.at.keys),
            "access_token": self.token,
            "reports_token": self.reports_token,
            "issue_tracker": self.tracker,
            "survey_page": self.survey_page,
            "commands": {line.name: line.command for line in lines},
        }

    @property
    def survey_page(self) -> str:
        return f"{self.at.address}/take/wayfarer"


def tail(place: databases.Place) -> str:
    """The command that prints the demo's intake log."""
    where = ["--data", str(place.data)]
    if place.database_url:
        where = ["--database-url", place.database_url]
    return shlex.join([*_ourselves(), "intake", "tail", "--workspace", "demo", *where])


def _figure(nps: float | None) -> str:
    return "none" if nps is None else f"{nps:+.1f}"


def _ourselves() -> list[str]:
    """How this program is called from a shell: by its name where that finds it."""
    found = shutil.which("tellback")
    called = Path(sys.argv[0]).absolute()
    if called.name != "tellback":
        return [sys.executable, "-m", "tellback"]
    return ["tellback"] if found and Path(found).samefile(called) else [str(called)]
