"""One hub for the tests of this dialect, and the desk that works with it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from tests.support import hub as hubs
from tests.support import postgres as databases
from tests.support.desk import Desk

ERRANDS = Path(__file__).with_name("errands.yaml")
OTHER = Path(__file__).with_name("other.yaml")


@pytest.fixture(scope="session")
def errands_hub(postgres: databases.Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[hubs.Hub]:
    """Provisioned, on a database of its own; shared, so tests look at what they made alone."""
    folder = tmp_path_factory.mktemp("errands")
    url = databases.fresh_database(postgres)
    options = ("--files", str(folder / "files"), "--allow-http-pages")
    with hubs.running(folder / "log", "--database-url", url, options=options) as hub:
        hub.apply(ERRANDS)
        hub.apply(OTHER)
        yield hub
    databases.drop(postgres, url)


@pytest.fixture(scope="session")
def anyone(errands_hub: hubs.Hub) -> Iterator[httpx.Client]:
    """A client without credentials."""
    with errands_hub.client() as client:
        yield client


@pytest.fixture
def desk(anyone: httpx.Client, errands_hub: hubs.Hub) -> Desk:
    return Desk(anyone, errands_hub)
