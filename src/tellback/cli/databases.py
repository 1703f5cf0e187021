"""Where a hub keeps its things, and the way a command gets at them."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from tellback.cli import faults, interrupts, output
from tellback.storage import embedded, migrate
from tellback.storage.database import Database
from tellback.storage.embedded.folder import Folder

Result = TypeVar("Result")


@dataclass(frozen=True)
class Place:
    """A hub's data folder and, where its database is not the embedded one in there, that one's address."""

    data: Path
    database_url: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Access:
    """A database that runs, and this command's part in that."""

    url: str
    membership: embedded.Membership | None = None

    def in_the_way(self) -> bool:
        """Whether this command runs the database and a hub has come that would rather run it itself."""
        if self.membership is None or not self.membership.owns:
            return False
        serves = self.membership.folder.serve_lock()
        free = self.membership.folder.take(serves)
        serves.release()
        return not free


@contextmanager
def access(place: Place, *, make: bool = True) -> Iterator[Access]:
    """The hub's running database: joined where another command runs it, started otherwise.

    Without `make` a data folder that holds no hub is refused. Raises `Refused`, `EmbeddedError`.
    """
    if place.database_url is not None:
        yield Access(place.database_url)
        return
    if not make and not (place.data / "postgresql").exists():
        raise faults.Refused(f"there is no hub in {place.data}; name its folder with --data.")
    with embedded.joined(place.data, report=output.note) as membership:
        yield Access(membership.url, membership)


def work(place: Place, job: Callable[[Database], Awaitable[Result]], *, make: bool = False) -> Result:
    """Run `job` on the hub's database, brought up to date first. Raises as `access` and `migrate.migrate`."""

    async def run(db: Database, _: Access) -> Result:
        return await job(db)

    return stay(place, run, make=make)


def stay(place: Place, job: Callable[[Database, Access], Awaitable[Result]], *, make: bool = False) -> Result:
    """As `work`, for a job that may take long and so has to know when it is in the way."""

    async def run(access: Access) -> Result:
        await migrate.migrate(access.url)
        db = await Database.open(access.url, connections=2)
        try:
            return await job(db, access)
        finally:
            await db.close()

    with access(place, make=make) as found:
        return interrupts.run(run(found))


def wait_for_owner(place: Place, seconds: float = 5.0) -> None:
    """After making way: wait until who was in need of it runs the database."""
    folder = Folder(place.data)
    owner = folder.owner_lock()
    deadline = time.monotonic() + seconds
    while folder.take(owner) and time.monotonic() < deadline:
        owner.release()
        time.sleep(0.05)
    owner.release()
