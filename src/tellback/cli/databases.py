"""Where a hub keeps its things, and the way a command gets at them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from tellback.cli import faults, output
from tellback.storage import embedded, migrate
from tellback.storage.database import Database

Result = TypeVar("Result")


@dataclass(frozen=True)
class Place:
    """A hub's data folder and, where its database is not the embedded one in there, that one's address."""

    data: Path
    database_url: str | None = field(default=None, repr=False)


@contextmanager
def url(place: Place, *, make: bool = True) -> Iterator[str]:
    """The address of the hub's running database: joined where another command runs it, started otherwise.

    Without `make` a data folder that holds no hub is refused. Raises `Refused`, `EmbeddedError`.
    """
    if place.database_url is not None:
        yield place.database_url
        return
    if not make and not (place.data / "postgresql").exists():
        raise faults.Refused(f"there is no hub in {place.data}; name its folder with --data.")
    with embedded.joined(place.data, report=output.note) as membership:
        yield membership.url


def work(place: Place, job: Callable[[Database], Awaitable[Result]], *, make: bool = False) -> Result:
    """Run `job` on the hub's database, brought up to date first. Raises as `url` and `migrate.migrate`."""

    async def run(address: str) -> Result:
        await migrate.migrate(address)
        db = await Database.open(address, connections=2)
        try:
            return await job(db)
        finally:
            await db.close()

    with url(place, make=make) as address:
        return asyncio.run(run(address))
