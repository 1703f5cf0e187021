"""A session goes on where it was: killed between a reply and its answer, the retry under its key is harmless."""

from __future__ import annotations

import threading
import time
import uuid
from functools import partial
from pathlib import Path
from typing import Any

import httpx
from tests.dialects.centracx.conftest import SURVEYS
from tests.support import hub as hubs
from tests.support.processes import eventually, only_linux, servers
from tests.support.taking import CREDENTIALS

pytestmark = only_linux

OPTIONS = ("--trusted-proxy", "127.0.0.1/32")
ROUNDS = 3
TITLES = ["Recommend", "Well", "Satisfied", "Easy", "Better", "Word"]


class Respondent(threading.Thread):
    """Takes one survey after the other; a request without an answer is sent again, under its key, until it has one."""

    def __init__(self, url: str, number: int) -> None:
        super().__init__()
        self.url = url
        self.number = number
        self.done = threading.Event()
        self.taken: dict[str, list[str]] = {}
        self.wrong: list[str] = []

    def run(self) -> None:
        count = 0
        with httpx.Client(base_url=self.url, timeout=20, trust_env=False) as self.http:
            while not self.done.is_set():
                count += 1
                self._take(f"{self.number}-{count}")

    def _take(self, mark: str) -> None:
        token = self._send({}, None)["sessionId"]
        texts = [f"{mark}-{title}" for title in TITLES]
        replies: list[dict[str, Any]] = [
            {"answerId": 1}, {"feedback": texts[1]}, {"answerId": 11}, {"answerId": 21},
            {"feedback": texts[4]}, {"feedback": texts[5]},
        ]  # fmt: skip
        for place, body in enumerate(replies):
            data = self._send(body, token)["data"]
            expected = TITLES[place + 1] if place + 1 < len(TITLES) else None
            if data["title"] != expected:
                self.wrong.append(f"{mark}: {data['title']} in place of {expected}")
        self.taken[token] = [texts[1], texts[4], texts[5]]

    def _send(self, body: dict[str, Any], token: str | None) -> Any:
        params = CREDENTIALS | ({"sessionId": token} if token else {})
        headers = {"Idempotency-Key": str(uuid.uuid4()), "X-Forwarded-Proto": "https"}
        while True:
            try:
                answer = self.http.post("/surveys/7", params=params, json=body, headers=headers)
            except httpx.TransportError:
                time.sleep(0.05)
                continue
            if answer.status_code == 200:
                return answer.json()
            if answer.status_code not in (409, 503):
                self.wrong.append(answer.text)
            time.sleep(0.05)


def test_goes_on_after_kill_9_of_everything(tmp_path: Path) -> None:
    data, log, port = tmp_path / "data", tmp_path / "log", hubs.free_port()
    respondents = [Respondent(f"http://127.0.0.1:{port}", number) for number in range(8)]
    secrets: dict[str, Any] = {}
    for number in range(ROUNDS):
        with hubs.running(log, "--data", str(data), options=OPTIONS, port=port) as hub:
            if number == 0:
                hub.apply(SURVEYS)
                secrets = hub.secrets
                for respondent in respondents:
                    respondent.start()
            enough = finished(respondents) + 30
            eventually(partial(reached, respondents, enough), 30)
            hub.kill()
        eventually(lambda: not servers(data), 5)
    with hubs.running(log, "--data", str(data), options=OPTIONS, port=port) as hub:
        hub.secrets = secrets
        for respondent in respondents:
            respondent.done.set()
        for respondent in respondents:
            respondent.join(60)
        compare(hub, respondents)


def finished(respondents: list[Respondent]) -> int:
    return sum(len(one.taken) for one in respondents)


def reached(respondents: list[Respondent], count: int) -> bool:
    return finished(respondents) >= count


def compare(hub: hubs.Hub, respondents: list[Respondent]) -> None:
    """Every session is as its respondent was told, whole and once."""
    taken = {token: texts for one in respondents for token, texts in one.taken.items()}
    assert [wrong for one in respondents for wrong in one.wrong] == []
    sessions = {one["id"]: one for one in listed(hub, "sessions")}
    responses = [one["session"] for one in listed(hub, "responses")]
    assert sorted(responses) == sorted(taken)
    assert {token for token, one in sessions.items() if one["state"] == "complete"} == set(taken)
    for token, texts in taken.items():
        answers = sessions[token]["answers"]
        assert [one["question"] for one in answers] == TITLES
        assert [one["text"] for one in answers if one["answer_id"] is None] == texts


def listed(hub: hubs.Hub, what: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    after: str | None = None
    with hub.client() as http:
        while True:
            query = {"limit": "1000"} | ({"after": after} if after else {})
            page = http.get(f"/hub/v1/{what}", params=query, headers=hub.reader()).json()
            found += page["data"]
            after = page["next"]
            if after is None:
                return found
