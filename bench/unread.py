"""The hub's own errand reports, with one report that lives in the process's memory and is read from nowhere.

Front door, token, negotiation and rendering are the hub's own code; that it was reported is stored nowhere.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from bench import variants
from tellback.core.tickets import reports
from tellback.core.tickets.report_model import Report
from tellback.settings import Settings
from tellback.storage.database import Database

Reports = reports.Reports


class Remembered:
    """As `reports.Reports`: the first report that is asked for, under every other number, too."""

    def __init__(self, db: Database) -> None:
        self._reports = Reports(db)
        self._report: Report | None = None

    async def find(self, workspace_id: int, ticket_id: int) -> Report | None:
        if self._report is None:
            self._report = await self._reports.find(workspace_id, ticket_id)
            return self._report
        return dataclasses.replace(self._report, id=ticket_id)


def stores_nothing(settings: Settings) -> Any:
    """The application whose reports are remembered. For a process of the bench alone."""

    async def writer() -> variants.StoresNothing:
        return variants.StoresNothing()

    reports.Reports = Remembered  # type: ignore[assignment,misc]
    return variants.application(settings, writer)
