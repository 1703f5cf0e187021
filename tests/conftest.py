"""What every test may ask for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings
from tests.support import postgres as databases

# A busy machine is no fault of the code under test.
settings.register_profile("house", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("house")


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
