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
from urllib.parse import urlencode

from tellback.cli import databases, demo_responses
from tellback.cli.demo_responses import Brought

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

#: The connected app in demo_data/hub.yaml.
CLIENT = {"client_id": "demo_crm", "client_secret": "demo_crm_7c6a180b36896a0a"}

_RECORD = {
    "Account Name": "Skåne Velo",
    "First Name": "Joe",
    "Last Name": "Doe",
    "Email": "joe.doe@skanevelo.example",
    "Sent Date": "2026-05-10 11:34:56",
    "Survey Completed Date": "2026-05-10 12:34:56",
    "NPS Score": "10",
    "Touchpoint": "Support",
}
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
    records: Brought

    def lines(self) -> Iterator[str]:
        where = "your own database" if self.place.database_url else str(self.place.data)
        yield ""
        yield f"Workspace demo (Demo Ltd) with {self.tickets} tickets, kept in {where}."
        yield ""
        for name, key in self.keys.items():
            yield f"  API key {name}: {key}"
        yield f"  access token (hub_read, made anew at every start): {self.token}"
        yield f"  survey key Kiosk: apikey {SURVEY_KEY[0]}, apisecret {SURVEY_KEY[1]}"
        yield f"  connected app CRM: client_id {CLIENT['client_id']}, client_secret {CLIENT['client_secret']}"
        yield ""
        yield f"{self.records.responses:,} responses, NPS {_figure(self.records.nps)}. By month:"
        for month, nps, count in self.records.months:
            yield f"  {month}  {_figure(nps):>6}  of {count:>5,}"
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
            "responses": self.records.responses,
            "nps": self.records.nps,
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
                f"curl -sS {shlex.quote(f'{self.address}/hub/v1/responses?survey=1&limit=5')} "
                f"-H {shlex.quote(f'Authorization: Bearer {self.token}')}",
            ),
            "token": ("Get an access token as a CRM does", self._token()),
            "record": ("Put one of its survey records (answered by an empty 200)", self._record()),
            "nps": (
                "Read the NPS by touchpoint",
                f"curl -sS {shlex.quote(f'{self.address}/hub/v1/metrics?kind=nps&group_by=touchpoint')} "
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

    def _token(self) -> str:
        form = urlencode({"grant_type": "client_credentials", **CLIENT})
        return f"curl -sS {shlex.quote(f'{self.address}/oauth2/token')} -d {shlex.quote(form)}"

    def _record(self) -> str:
        read = r"""sed 's/.*"access_token":"\([^"]*\)".*/\1/'"""
        body = json.dumps(
            {"configuration": demo_responses.CONFIGURATION, "record": _RECORD}, ensure_ascii=False
        )
        put = f"curl -sS -X PUT {shlex.quote(f'{self.address}/records/')}"
        headers = '-H "Authorization: Bearer $token" -H "Content-Type: application/json"'
        shown = r"-w 'answered %{http_code}\n'"
        return f"token=$({self._token()} | {read}); {put} {headers} -d {shlex.quote(body)} {shown}"

    def _tail(self) -> str:
        where = ["--data", str(self.place.data)]
        if self.place.database_url:
            where = ["--database-url", self.place.database_url]
        return shlex.join([*_ourselves(), "intake", "tail", "--workspace", "demo", *where])


def _figure(nps: float | None) -> str:
    return "none" if nps is None else f"{nps:+.1f}"


def _post(address: str, body: Mapping[str, Any]) -> str:
    return f"curl -sS {shlex.quote(address)} -H 'Content-Type: application/json' -d {shlex.quote(json.dumps(body))}"


def _ourselves() -> list[str]:
    """How this program is called from a shell: by its name where that finds it."""
    found = shutil.which("tellback")
    called = Path(sys.argv[0]).absolute()
    if called.name != "tellback":
        return [sys.executable, "-m", "tellback"]
    return ["tellback"] if found and Path(found).samefile(called) else [str(called)]
