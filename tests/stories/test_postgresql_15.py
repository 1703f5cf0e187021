"""The same hub on the oldest PostgreSQL it runs on, where the system has one."""

from __future__ import annotations

import os
import uuid
from pathlib import Path

import pytest
from tests.support import hub as hubs
from tests.support import load
from tests.support.hub import CREATE, KEY

SYSTEM = Path("/usr/lib/postgresql/15/bin")


@pytest.mark.skipif(
    not (SYSTEM / "initdb").exists(), reason="the system has no PostgreSQL 15 (apt-get install postgresql-15)"
)
def test_takes_feedback_in_on_postgresql_15(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(hubs.ENVIRONMENT, "TELLBACK_PG_BIN", str(SYSTEM))
    with hubs.running(tmp_path / "log", "--data", str(tmp_path / "data")) as hub:
        assert (tmp_path / "data" / "postgresql" / "PG_VERSION").read_text().strip() == "15"
        hub.apply()
        with hub.client() as http:
            headers = {"Idempotency-Key": str(uuid.uuid4())}
            answers = [
                http.post(CREATE, params={"apiKey": KEY}, json={"title": "once"}, headers=headers)
                for _ in range(2)
            ]
            assert answers[0].content == answers[1].content
            upload = answers[0].json()["fileElements"][0]["url"]
            content = os.urandom(100_000)
            assert (
                http.post(upload, params={"apiKey": KEY}, files={"f": ("a.log", content)}).status_code == 201
            )
            assert http.post(CREATE, params={"apiKey": KEY}, json={"title": ""}).status_code == 400
            document = http.get(answers[0].headers["Location"], params={"apiKey": KEY}).json()
            assert document["files"][0]["size"] == len(content)
            entries = http.get("/hub/v1/intake", headers=hub.reader()).json()["data"]
            assert [entry["status"] for entry in entries] == [400, 201, 201, 201]
        with load.posting(hub) as posted:
            while len(posted.tickets) < 200:
                assert hub.process.poll() is None
        there = load.stored(hub)
        assert {title: there.get(title) for title in posted.tickets} == posted.tickets
    assert "nothing to change" in hubs.tellback("apply", str(hubs.BETA), "--data", str(tmp_path / "data"))
