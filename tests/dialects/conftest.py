"""One hub for the tests of a dialect."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from tests.support import hub as hubs
from tests.support import postgres as databases


@pytest.fixture(scope="session")
def hub(postgres: databases.Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[hubs.Hub]:
    """A provisioned hub on a database of its own; shared, so tests look at what they made alone."""
    folder = tmp_path_factory.mktemp("hub")
    url = databases.fresh_database(postgres)
    with hubs.running(
        folder / "log", "--database-url", url, options=("--files", str(folder / "files"))
    ) as hub:
        hub.apply()
        yield hub
    databases.drop(postgres, url)


@pytest.fixture(scope="session")
def http(hub: hubs.Hub) -> Iterator[httpx.Client]:
    with hub.client() as client:
        yield client
