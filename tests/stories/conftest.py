"""A hub whose tickets reach a tracker and a CRM, for the stories of automation."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.support import automation
from tests.support import postgres as databases


@pytest.fixture(scope="module")
def told(postgres: databases.Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[automation.Told]:
    """A provisioned hub and its receiver."""
    with automation.running(postgres, tmp_path_factory.mktemp("automation")) as made:
        yield made
