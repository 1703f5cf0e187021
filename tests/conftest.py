"""What every test may ask for."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator

import httpx
import pytest
from hypothesis import HealthCheck, settings
from tests.support import buckets
from tests.support import hub as hubs
from tests.support import postgres as databases

# A busy machine is no fault of the code under test.
settings.register_profile("house", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("house")


@pytest.fixture(autouse=True)
def turn(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Where several processes run tests: those marked `alone` have the machine to themselves, others share it."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        yield
        return
    folder = tmp_path_factory.getbasetemp().parent  # of all processes
    alone = request.node.get_closest_marker("alone")
    with (folder / "queue").open("w") as queue, (folder / "machine").open("w") as machine:
        fcntl.flock(queue, fcntl.LOCK_EX)  # whoever waits to be alone keeps others from going first
        fcntl.flock(machine, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        fcntl.flock(queue, fcntl.LOCK_UN)
        yield


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def postgres() -> Iterator[databases.Cluster]:
    """A PostgreSQL server for the whole session, in a temporary folder."""
    with databases.cluster() as cluster:
        yield cluster


@pytest.fixture
def database_url(postgres: databases.Cluster) -> Iterator[str]:
    """The URL of a fresh, migrated database, dropped after the test."""
    url = databases.fresh_database(postgres)
    yield url
    databases.drop(postgres, url)


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


@pytest.fixture(scope="session")
def bucket_server() -> Iterator[buckets.Server]:
    """A server of buckets; whoever needs one to fail starts another."""
    with buckets.running() as server:
        yield server
    # What was done in this process has ended, and its last thread has seen that: before, none may end the interpreter.
    time.sleep(0.3)
