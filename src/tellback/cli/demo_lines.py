"""The demo's lines to paste: each works by itself, in any shell, as often as one likes."""

from __future__ import annotations

import hashlib
import hmac
import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from tellback.cli import demo_responses

#: Of demo_data/hub.yaml, as are the three below.
SURVEY_KEY = ("demo_kiosk", "demo_kiosk_4be0c9d2")
CLIENT = {"client_id": "demo_crm", "client_secret": "demo_crm_7c6a180b36896a0a"}
_META = ("1234567890321", "demo_meta_7d1f04ac")
APP, TRACKER = "Mobile apps", "Issue tracker"

_TICKET = {
    "title": "Ride is not shown after sync",
    "description": "Pulled to refresh twice, the ride from this morning is still missing.",
    "severity": "High",
    "devices": ["Phone"],
    "rating": 3,
    "submitter": "ann@demo.example",
}
_REFUSED = {"title": "Crash on start", "severity": "Critical"}
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


@dataclass(frozen=True)
class Line:
    """A command under its heading; `name` is what programs call it."""

    name: str
    heading: str
    command: str


@dataclass(frozen=True)
class Place:
    """Where the demo is and what opens it.

    `next_id` is what the next ticket of the source `app` is called, `last_id` what its last one is. The header
    files hold an access token each, as curl's `-H @file` takes it.
    """

    address: str
    keys: Mapping[str, str]  # by the name of the API key
    hub_header: Path
    reports_header: Path
    sample: Path
    last_id: str
    next_id: str
    cursor: str  # of the change feed, as it is when the page is printed
    now: int  # in seconds since 1970
    tail: str  # the command that prints the intake log


def first(at: Place) -> Iterator[Line]:
    """What shows most of it."""
    yield Line(
        "post",
        f"Post a bug as an app does. It becomes {at.next_id}, and being of severity High, goes to the issue tracker",
        _post(f"{_feedback(at)}?apiKey={at.keys[APP]}", _TICKET),
    )
    upload = f"{at.address}/api/v1/projects/beta/feedbackTypes/app/{at.next_id}/fileElements/crashlog"
    yield Line(
        "upload",
        "Send its crash log after it",
        f"curl -sS {_quoted(f'{upload}?apiKey={at.keys[APP]}')} -F {_quoted(f'file=@{at.sample}')}",
    )
    yield Line(
        "ticket",
        'See what became of it: the status, the issue\'s key under "external", the timeline',
        _hub(at, f"tickets/{at.next_id}"),
    )


def by_dialect(at: Place) -> Sequence[tuple[str, Sequence[Line]]]:
    """The rest, under a heading each."""
    return (
        ("Feedback and automation, as Centercode has them", [*_centercode(at)]),
        ("Surveys, as CentraCX has them", [*_centracx(at)]),
        ("Records of surveys, as CustomerGauge has them", [*_customergauge(at)]),
        ("Ratings of pages, as Meta delivers them", [*_meta(at)]),
        ("Reports, as Cention has them", [*_cention(at)]),
        ("The hub's own API", [*_own(at)]),
    )


def _centercode(at: Place) -> Iterator[Line]:
    key = f"?apiKey={at.keys[APP]}"
    yield Line(
        "refused",
        "Post a bug that is refused, for that severity is no option",
        _post(_feedback(at) + key, _REFUSED),
    )
    yield Line("read", "Read a bug back", f"curl -sS {_quoted(f'{_feedback(at)}/{at.last_id}{key}')}")
    listener = f"{at.address}/api/v1/feedbackListeners/issue-done/{at.last_id}?apiKey={at.keys[TRACKER]}"
    yield Line(
        "listener",
        "Say that it is fixed, as the tracker does; the team's chat is told",
        _post(listener, {}),
    )


def _centracx(at: Place) -> Iterator[Line]:
    address = f"{at.address}/surveys/1?apikey={SURVEY_KEY[0]}&apisecret={SURVEY_KEY[1]}"
    start = f"curl -sS -X POST {_quoted(address)}"
    # The session's id out of the answer, with what every system has.
    session = r"""sed 's/.*"sessionId":"\([^"]*\)".*/\1/'"""
    reply = f'curl -sS "{address}&sessionId=$session" -H "Content-Type: application/json" -d'
    yield Line(
        "survey",
        "Take a survey as a kiosk does: start it, then answer its first question",
        f"session=$({start} | {session}); {reply} {_quoted(json.dumps({'answerId': 109}))}",
    )


def _customergauge(at: Place) -> Iterator[Line]:
    form = urlencode({"grant_type": "client_credentials", **CLIENT})
    token = f"curl -sS {_quoted(f'{at.address}/oauth2/token')} -d {_quoted(form)}"
    yield Line("token", "Get an access token as a CRM does", token)
    read = r"""sed 's/.*"access_token":"\([^"]*\)".*/\1/'"""
    body = json.dumps({"configuration": demo_responses.CONFIGURATION, "record": _RECORD}, ensure_ascii=False)
    put = f"curl -sS -X PUT {_quoted(f'{at.address}/records/')}"
    headers = '-H "Authorization: Bearer $token" -H "Content-Type: application/json"'
    yield Line(
        "record",
        "Put one of its records (answered by an empty 200)",
        f"token=$({token} | {read}); {put} {headers} -d {_quoted(body)} {_SHOWN}",
    )


def _meta(at: Place) -> Iterator[Line]:
    page, secret = _META
    value = {
        "item": "rating", "verb": "add", "rating": 5, "review_text": "Found a ferry I never knew of.",
        "reviewer_name": "Elin Berg", "reviewer_id": 27101, "created_time": at.now, "open_graph_story_id": "6767",
    }  # fmt: skip
    entry = {"id": page, "time": at.now, "changes": [{"field": "ratings", "value": value}]}
    body = json.dumps({"object": "page", "entry": [entry]})
    signature = hmac.new(secret.encode(), body.encode(), hashlib.sha256).hexdigest()
    yield Line(
        "rating",
        "Deliver a rating, signed with the app's secret",
        f"{_post(f'{at.address}/meta/wayfarer', body)} -H 'X-Hub-Signature-256: sha256={signature}'",
    )


def _cention(at: Place) -> Iterator[Line]:
    yield Line(
        "dirty", "List the errands that changed since they were reported", _report(at, "c3_dirty_errand_list")
    )
    yield Line(
        "report", "Read the report of one, which takes it off that list", _report(at, "c3_errand_reports/1")
    )
    yield Line("dirty_ratings", "List the ratings that changed", _report(at, "c3_dirty_facebook_ratings"))


def _own(at: Place) -> Iterator[Line]:
    yield Line("search", "Search tickets", _hub(at, "tickets?q=sync+OR+ferry&limit=3"))
    yield Line("responses", "Read what came of surveys", _hub(at, "responses?survey=1&limit=5"))
    yield Line("nps", "Read the NPS by touchpoint", _hub(at, "metrics?kind=nps&group_by=touchpoint"))
    yield Line("deliveries", "See what went out last, with every attempt", _hub(at, "deliveries?limit=1"))
    yield Line(
        "changes",
        "Follow what happens: all since this page was printed, or whatever comes within 30 seconds",
        _hub(at, f"changes?after={at.cursor}&wait=30"),
    )
    action = {"do": "add_tag", "tag": "looked-at"}
    yield Line(
        "action",
        "Work on a ticket",
        f"{_post(f'{at.address}/hub/v1/tickets/{at.last_id}/actions', action)} {_header(at.hub_header)}",
    )
    yield Line("tail", "See what came in, and what became of it", at.tail)


_SHOWN = r"-w 'answered %{http_code}\n'"
_quoted = shlex.quote


def _feedback(at: Place) -> str:
    return f"{at.address}/api/v1/projects/beta/feedback/app"


def _hub(at: Place, what: str) -> str:
    return f"curl -sS {_quoted(f'{at.address}/hub/v1/{what}')} {_header(at.hub_header)}"


def _report(at: Place, what: str) -> str:
    return f"curl -sS {_quoted(f'{at.address}/s/demo/capi/json/{what}')} {_header(at.reports_header)}"


def _header(file: Path) -> str:
    return f"-H {_quoted(f'@{file}')}"


def _post(address: str, body: Mapping[str, Any] | str) -> str:
    """A string is sent byte for byte."""
    text = body if isinstance(body, str) else json.dumps(body)
    return f"curl -sS {_quoted(address)} -H 'Content-Type: application/json' -d {_quoted(text)}"
