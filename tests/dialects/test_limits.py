"""Callers over their limit, as the vendor surfaces answer them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.support import hub as hubs
from tests.support import postgres as databases
from tests.support.hub import CREATE, KEY


@pytest.fixture(scope="module")
def strict(postgres: databases.Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[hubs.Hub]:
    """A hub that takes two calls an hour of a credential."""
    folder = tmp_path_factory.mktemp("strict")
    url = databases.fresh_database(postgres)
    options = ("--files", str(folder / "files"), "--rate-limit", "2/1h", "--limit-loopback")
    with hubs.running(folder / "log", "--database-url", url, options=options) as hub:
        hub.apply()
        yield hub
    databases.drop(postgres, url)


def test_tells_the_limit_and_keeps_the_refused_call_in_the_intake_log(strict: hubs.Hub) -> None:
    with strict.client() as http:
        answers = [http.post(CREATE, params={"apiKey": KEY}, json={"title": "Again"}) for _ in range(3)]
        refused = answers[-1]
        log = http.get("/hub/v1/intake", headers=strict.reader()).json()["data"]
    assert [answer.status_code for answer in answers] == [201, 201, 429]
    assert refused.json()["status"] == 429
    assert {"retry-after", "ratelimit", "ratelimit-policy"} <= set(refused.headers)
    assert [entry["status"] for entry in log] == [429, 201, 201]
    assert (log[0]["credential"], log[0]["endpoint"]) == ("Mobile apps", CREATE)
    assert "Retry-After" in log[0]["hint"]
