"""Bulk runs as the hub's API shows them."""

from __future__ import annotations

import uuid
from pathlib import Path

from tests.dialects.customergauge.test_records import rows
from tests.support import hub as hubs


def test_shows_runs_newest_first(records_hub: hubs.Hub, tmp_path: Path) -> None:
    for configuration in ("companies", "people"):
        file = tmp_path / f"{configuration}.csv"
        file.write_text(f"Name,Mail\n{uuid.uuid4().hex},{uuid.uuid4().hex}@example.com\n")
        hubs.tellback("import", str(file), "-w", "demo", "--configuration", configuration, *records_hub.place)
    newest, before = rows(records_hub, "imports")[:2]
    assert [newest["configuration"], before["configuration"]] == ["people", "companies"]
    assert (newest["file"], newest["rows"], newest["created"], newest["rejected"]) == ("people.csv", 1, 1, 0)
    assert newest["done"] == newest["size"]
    assert newest["finished_at"] is not None
