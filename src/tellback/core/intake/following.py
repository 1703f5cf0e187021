"""Following the log as it grows.

Ids are handed out when a row is written and seen when its transaction commits, so a row may turn up below
others that were there before it. Whoever follows therefore remembers which ids were passed over, and looks
for them for a while.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from tellback.core.intake import queries
from tellback.core.intake.model import Entry
from tellback.storage.database import Reader

#: Longer than any statement may run (`storage.database.STATEMENT_TIMEOUT_S`).
LOOKED_FOR_S = 60.0
#: Ids passed over are mostly other workspaces' and never turn up; so many of the newest are looked for.
MOST_LOOKED_FOR = 10_000
PAGE = 200


@dataclass
class Follower:
    """What one reader has seen of one workspace's log. `now` is in seconds of any steady clock."""

    workspace_id: int
    _top: int = 0
    _passed_over: dict[int, float] = field(default_factory=dict)

    async def begin(self, reader: Reader, limit: int, now: float) -> list[Entry]:
        """The newest `limit` entries, oldest first; from here on `more` gives what comes after."""
        found = await queries.newest(reader, self.workspace_id, max(limit, PAGE))
        found.reverse()
        if len(found) == max(limit, PAGE):  # there is more below, which is not wanted
            self._top = found[0].id
        self._saw((entry.id for entry in found), now)
        return found[-limit:] if limit else []

    async def more(self, reader: Reader, now: float) -> list[Entry]:
        """Entries that were not given before, oldest first; at most a page of them."""
        self._give_up(now)
        found = await queries.arrived(reader, self.workspace_id, self._top, self.looked_for, PAGE)
        self._saw((entry.id for entry in found), now)
        return found

    @property
    def looked_for(self) -> Collection[int]:
        """Ids passed over so far that may still turn up."""
        return self._passed_over.keys()

    def _saw(self, ids: Iterable[int], now: float) -> None:
        for seen in ids:
            if seen <= self._top:
                self._passed_over.pop(seen, None)
                continue
            first = max(self._top + 1, seen - MOST_LOOKED_FOR)
            self._passed_over.update(dict.fromkeys(range(first, seen), now))
            self._top = seen

    def _give_up(self, now: float) -> None:
        """Passed over longest ago comes first: a dict keeps its order."""
        for missing, since in list(self._passed_over.items()):
            if now - since < LOOKED_FOR_S and len(self._passed_over) <= MOST_LOOKED_FOR:
                return
            del self._passed_over[missing]
