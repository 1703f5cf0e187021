"""Data folders for the tests of the embedded server."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tellback.storage import embedded


@pytest.fixture(scope="session")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with a new cluster that is not running; to be copied, not used."""
    data = tmp_path_factory.mktemp("original")
    server = embedded.EmbeddedPostgres(data)
    server.start()
    server.stop()
    return data


@pytest.fixture
def data(original: Path, tmp_path: Path) -> Path:
    """A data folder of one's own with a new cluster: making one takes a second, copying one less."""
    subprocess.run(["cp", "-a", original, tmp_path / "data"], check=True)
    return tmp_path / "data"
