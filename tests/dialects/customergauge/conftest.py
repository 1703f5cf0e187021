"""One hub for the tests of this dialect, and the ways into it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from tests.support import hub as hubs
from tests.support import postgres as databases

RECORDS = Path(__file__).with_name("records.yaml")


@pytest.fixture(scope="session")
def records_hub(postgres: databases.Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[hubs.Hub]:
    """Provisioned, on a database of its own; shared, so tests look at what they made alone."""
    folder = tmp_path_factory.mktemp("records")
    url = databases.fresh_database(postgres)
    options = ("--files", str(folder / "files"))
    with hubs.running(folder / "log", "--database-url", url, options=options) as hub:
        hub.apply(RECORDS)
        yield hub
    databases.drop(postgres, url)


@pytest.fixture(scope="session")
def anyone(records_hub: hubs.Hub) -> Iterator[httpx.Client]:
    """A client without credentials."""
    with records_hub.client() as client:
        yield client


@pytest.fixture(scope="session")
def crm(anyone: httpx.Client, records_hub: hubs.Hub) -> Iterator[httpx.Client]:
    """A client with the CRM's access token."""
    form = {"grant_type": "client_credentials", "client_id": "crm", "client_secret": "7c6a180b36896a0a"}
    token = anyone.post("/oauth2/token", data=form).json()["access_token"]
    with records_hub.client(headers={"Authorization": f"Bearer {token}"}) as client:
        yield client
