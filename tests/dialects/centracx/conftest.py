"""One hub behind a proxy that ends TLS, for the tests of this dialect."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from tests.support import hub as hubs
from tests.support import postgres as databases

SURVEYS = Path(__file__).with_name("surveys.yaml")


@pytest.fixture(scope="session")
def surveys_hub(postgres: databases.Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[hubs.Hub]:
    """Provisioned, on a database of its own; shared, so tests look at what they made alone."""
    folder = tmp_path_factory.mktemp("surveys")
    url = databases.fresh_database(postgres)
    options = ("--files", str(folder / "files"), "--trusted-proxy", "127.0.0.1/32")
    with hubs.running(folder / "log", "--database-url", url, options=options) as hub:
        hub.apply(SURVEYS)
        yield hub
    databases.drop(postgres, url)


@pytest.fixture(scope="session")
def https(surveys_hub: hubs.Hub) -> Iterator[httpx.Client]:
    """A client as the hub sees it through the proxy."""
    with surveys_hub.client(headers={"X-Forwarded-Proto": "https"}) as client:
        yield client
