"""What the demo prints: where it is, what opens it, and lines that work when they are pasted."""

from __future__ import annotations

import json
import shlex
import shutil
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tellback.cli import databases

_TICKET = {
    "title": "Ride is not shown after sync",
    "description": "Pulled to refresh twice, the ride from this morning is still missing.",
    "severity": "Medium",
    "devices": ["Phone"],
    "rating": 3,
    "submitter": "ann@demo.example",
}
#: The apikey and the apisecret in demo_data/hub.yaml.
SURVEY_KEY = ("demo_kiosk", "demo_kiosk_4be0c9d2")

_REFUSED = {"title": "Crash on start", "severity": "Critical"}


@dataclass(frozen=True)
class Page:
    """`app_key` opens the source `app` of the project beta; `next_id` is the id its next ticket gets."""

    address: str
    place: databases.Place
    keys: Mapping[str, str]  # by the name of the API key
    app_key: str
    token: str = field(repr=False)
    tickets: int
    next_id: str
    sample: Path

    def lines(self) -> Iterator[str]:
        where = "your own database" if self.place.database_url else str(self.place.data)
        yield ""
        yield f"Workspace demo (Demo Ltd) with {self.tickets} tickets, kept in {where}."
        yield ""
        for name, key in self.keys.items():
            yield f"  API key {name}: {key}"
        yield f"  access token (hub_read, made anew at every start): {self.token}"
        yield f"  survey key Kiosk: apikey {SURVEY_KEY[0]}, apisecret {SURVEY_KEY[1]}"
        yield ""
        yield f"Take a survey in a browser: {self.survey_page}"
        for heading, command in self.commands().values():
            yield ""
            yield f"{heading}:"
            yield f"  {command}"
        yield ""
        yield "What comes in is shown here as it comes. Ctrl-C ends the demo."
        yield ""

    def document(self) -> dict[str, Any]:
        return {
            "ready": self.address,
            "workspace": "demo",
            "data": str(self.place.data),
            "tickets": self.tickets,
            "api_keys": dict(self.keys),
            "access_token": self.token,
            "survey_page": self.survey_page,
            "commands": {name: command for name, (_, command) in self.commands().items()},
        }

    def commands(self) -> dict[str, tuple[str, str]]:
        """By a short name: what it does, and the line itself."""
        create = f"{self.address}/api/v1/projects/beta/feedback/app"
        upload = f"{self.address}/api/v1/projects/beta/feedbackTypes/app/{self.next_id}/fileElements/crashlog"
        key = f"?apiKey={self.app_key}"
        return {
            "post": (
                f"Post a ticket as an app does (it becomes {self.next_id})",
                _post(create + key, _TICKET),
            ),
            "upload": (
                "Send its crash log after it",
                f"curl -sS {shlex.quote(upload + key)} -F {shlex.quote(f'file=@{self.sample}')}",
            ),
            "read": ("Read it back", f"curl -sS {shlex.quote(f'{create}/{self.next_id}{key}')}"),
            "list": (
                "Read tickets over the hub's own API",
                f"curl -sS {shlex.quote(f'{self.address}/hub/v1/tickets?limit=5')} "
                f"-H {shlex.quote(f'Authorization: Bearer {self.token}')}",
            ),
            "refused": (
                "Post one that is refused: that severity is no option",
                _post(create + key, _REFUSED),
            ),
            "survey": (
                "Take the same survey as a kiosk does: start it, then answer its first question",
                self._survey(),
            ),
            "responses": (
                "Read what came of surveys",
                f"curl -sS {shlex.quote(f'{self.address}/hub/v1/responses?limit=5')} "
                f"-H {shlex.quote(f'Authorization: Bearer {self.token}')}",
            ),
            "tail": ("See what came in, and what became of it", self._tail()),
        }

    @property
    def survey_page(self) -> str:
        return f"{self.address}/take/wayfarer"

    def _survey(self) -> str:
        address = f"{self.address}/surveys/1?apikey={SURVEY_KEY[0]}&apisecret={SURVEY_KEY[1]}"
        start = f"curl -sS -X POST {shlex.quote(address)}"
        # The session's id out of the answer, with what every system has.
        session = r"""sed 's/.*"sessionId":"\([^"]*\)".*/\1/'"""
        reply = f'curl -sS "{address}&sessionId=$session" -H "Content-Type: application/json" -d'
        return f"session=$({start} | {session}); {reply} {shlex.quote(json.dumps({'answerId': 109}))}"

    def _tail(self) -> str:
        where = ["--data", str(self.place.data)]
        if self.place.database_url:
            where = ["--database-url", self.place.database_url]
        return shlex.join([*_ourselves(), "intake", "tail", "--workspace", "demo", *where])


def _post(address: str, body: Mapping[str, Any]) -> str:
    return f"curl -sS {shlex.quote(address)} -H 'Content-Type: application/json' -d {shlex.quote(json.dumps(body))}"


def _ourselves() -> list[str]:
    """How this program is called from a shell: by its name where that finds it."""
    found = shutil.which("tellback")
    called = Path(sys.argv[0]).absolute()
    if called.name != "tellback":
        return [sys.executable, "-m", "tellback"]
    return ["tellback"] if found and Path(found).samefile(called) else [str(called)]
