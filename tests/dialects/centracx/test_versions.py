"""A running hub whose surveys change: within 2 seconds, and never under a session that runs."""

from __future__ import annotations

import time
from pathlib import Path

import httpx
from tests.dialects.centracx.conftest import SURVEYS
from tests.support import hub as hubs
from tests.support.taking import CREDENTIALS, reply, session, start

QUESTIONS = """
surveys:
  - id: 7
    title: How was it?
    state: {state}
    questions:
      - {{title: Only, text: All in all?, type: enter_text}}
"""


def changed(hub: hubs.Hub, folder: Path, state: str) -> None:
    """Apply, and wait for as long as the contract gives the server."""
    file = folder / "changed.yaml"
    file.write_text("workspace: {slug: demo}\n" + QUESTIONS.format(state=state))
    hub.apply(file)
    time.sleep(2)


def test_leaves_running_sessions_on_their_version_to_the_end(tmp_path: Path, database_url: str) -> None:
    options = ("--files", str(tmp_path / "files"), "--trusted-proxy", "127.0.0.1/32")
    with hubs.running(tmp_path / "log", "--database-url", database_url, options=options) as hub:
        hub.apply(SURVEYS)
        with hub.client(headers={"X-Forwarded-Proto": "https"}) as http:
            old = session(http)
            reply(http, old, {"answerId": 3})
            changed(hub, tmp_path, "deployed")
            assert start(http).json()["question"]["title"] == "Only"
            assert reply(http, old, {"feedback": "More"}).json()["data"]["title"] == "Word"
            closes_on_it(hub, http, tmp_path, old)


def closes_on_it(hub: hubs.Hub, http: httpx.Client, folder: Path, old: str) -> None:
    """A closed survey starts nothing and is not listed; who is in it may finish."""
    key = {"Idempotency-Key": "before it closed"}
    first = start(http, headers=key)
    young = first.json()["sessionId"]
    changed(hub, folder, "closed")
    assert start(http).status_code == 404
    again = start(http, headers=key)  # whoever never saw the answer
    assert (again.status_code, again.content) == (200, first.content)
    assert 7 not in [survey["id"] for survey in http.get("/surveys", params=CREDENTIALS).json()]
    for token in (old, young):
        assert reply(http, token, {"feedback": "Bye"}).json()["data"]["message"] == "Survey Complete"
