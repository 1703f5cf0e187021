"""What the demo shows while it runs: what comes in, what goes out because of it, and what comes back."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tellback.cli import demo_team, intake, output
from tellback.core import changes, paging, workspaces
from tellback.core import intake as intake_log
from tellback.storage.database import Database, Reader
from tellback.storage.errors import DatabaseAway

_EVERY_S = 0.2
_PAGE = 1000


@dataclass
class Live:
    """How far everything has been shown."""

    team: demo_team.Team
    follower: intake_log.Follower
    workspace_id: int
    seq: int
    calls: int
    as_json: bool

    @classmethod
    async def begun(cls, db: Database, slug: str, team: demo_team.Team, as_json: bool) -> Live:
        """What is there by now is not shown."""
        async with db.reading() as reader:
            workspace = await workspaces.find(reader, slug)
            follower = intake_log.Follower(workspace.id)
            await follower.begin(reader, 0, time.monotonic())
            counted = await changes.queries.counted(reader, [workspace.id])
        return cls(team, follower, workspace.id, counted.get(workspace.id, 0), len(team.calls()), as_json)

    @property
    def cursor(self) -> str:
        """Where the change feed goes on, for `GET /hub/v1/changes`."""
        return paging.cursor("change", self.seq)

    async def follow(self, db: Database, enough: Callable[[], bool]) -> None:
        """Show what happens until `enough`. A database that is away is waited for."""
        told = False
        while not enough():
            try:
                async with db.reading() as reader:
                    await self._more(reader)
            except DatabaseAway as away:
                if not told:
                    output.note(f"{away}; waiting for it.")
                told = True
            else:
                told = False
            await asyncio.sleep(_EVERY_S)

    async def _more(self, reader: Reader) -> None:
        """Read backwards, from effect to cause, and shown forwards: so a cause always stands above its effects."""
        found = await changes.queries.told(reader, self.workspace_id, self.seq, _PAGE)
        calls = self.team.calls(self.calls)
        entries = await self.follower.more(reader, time.monotonic())
        for entry in entries:
            (intake.show_json if self.as_json else intake.show_line)(entry)
        self._show(calls, [change for change in found if change.kind == "value.captured"])
        self.calls += len(calls)
        self.seq = found[-1].seq if found else self.seq

    def _show(self, calls: Sequence[demo_team.Call], captured: Sequence[changes.Change]) -> None:
        if self.as_json:
            for document in [*map(_called, calls), *map(_kept, captured)]:
                output.document(document)
            return
        for call in calls:
            output.line(called_line(call))
        for change in captured:
            output.line(kept_line(change))


def called_line(call: demo_team.Call) -> str:
    """What one of the team's systems got, and what it answered."""
    sent = call.body
    if isinstance(sent, dict) and isinstance(event := sent.get("data"), dict):
        sent = f"{sent.get('type')}: {event.get('display_id')} is {event.get('status')}"
    got = sent if isinstance(sent, str) else _json(sent)
    return _line(
        call.at,
        f"->   {call.request}  {call.system} got {got} and answered {call.status} {_json(call.answer)}",
    )


def kept_line(change: changes.Change) -> str:
    """What was captured of an answer, and on what it is kept."""
    values = [
        f"external.{group}.{label} = {value}"
        for group, labels in change.data["values"].items()
        for label, value in labels.items()
    ]
    return _line(
        change.at, f"<-   kept of the answer: {', '.join(values)}  {change.subject_type} {change.subject_id}"
    )


def _line(at: datetime, text: str) -> str:
    return output.clean(f"{at.astimezone():%Y-%m-%d %H:%M:%S}  {text}")


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _called(call: demo_team.Call) -> dict[str, Any]:
    return {
        "called": {
            "at": call.at, "system": call.system, "request": call.request, "body": call.body,
            "status": call.status, "answer": call.answer,
        }
    }  # fmt: skip


def _kept(change: changes.Change) -> dict[str, Any]:
    subject = {"type": change.subject_type, "id": change.subject_id}
    return {"captured": {"at": change.at, "subject": subject, "values": change.data["values"]}}
