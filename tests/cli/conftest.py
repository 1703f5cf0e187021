"""A workspace on a database of its own, for commands that need no hub running."""

from __future__ import annotations

import pytest
from tests.support import command


@pytest.fixture
def workspace_url(database_url: str) -> str:
    """The URL of a database with the workspace of tests/cli/hub.yaml."""
    done = command.tellback("apply", command.CONFIGURATION, "--database-url", database_url)
    assert done.code == 0, done.err
    return database_url
