"""Verbs of windows: finding them, reading through them, and doing what outside systems ask for."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from weakref import WeakValueDictionary

from tellback.core import changes, conditions, errors, intake, subjects, tickets
from tellback.core.automation import introducing, running
from tellback.core.automation import queries as automation_queries
from tellback.core.automation import rules as automation_rules
from tellback.core.automation.model import Machinery, Occasion
from tellback.core.cache import ConfigurationCache
from tellback.core.deliveries import capturing
from tellback.core.deliveries.model import Captured
from tellback.core.windows import fields, queries
from tellback.core.windows.model import Cut, DataPackage, Heard, Kind, Listener, Table, Window
from tellback.storage.database import Database, Reader, Transaction
from tellback.storage.savepoint import attempted

#: While a workspace goes on changing, a division into pages that took so many seconds is made anew at once ...
CHEAP_S = 0.05
#: ... and a dearer one is kept for this many times as long as it took.
KEPT_TIMES = 20


async def find(
    db: Database, configuration: ConfigurationCache, workspace_id: int, kind: Kind, key: str
) -> Window | None:
    """The compiled window of a workspace, from memory where it is known."""

    async def load() -> Window | None:
        async with db.reading() as reader:
            return await queries.window(reader, workspace_id, kind, key)

    return await configuration.get(("window", workspace_id, kind, key.lower()), load)


async def within(
    db: Database, configuration: ConfigurationCache, window: Window, project: str | None
) -> Window | None:
    """The window as it is seen from a project's address; None where it is another project's."""
    if project is None:
        return window
    if window.project is not None:
        return window if window.project.lower() == project.lower() else None

    async def load() -> int | None:
        async with db.reading() as reader:
            return await queries.project_id(reader, window.workspace_id, project)

    found = await configuration.get(("project id", window.workspace_id, project.lower()), load)
    return None if found is None else replace(window, project_id=found, project=project)


async def record(reader: Reader, window: Window, reference: str) -> tuple[int, Mapping[str, Any]] | None:
    """Id and document of the ticket (number or display id) or person (e-mail or id) that the window shows.

    None for one that is not there, is deleted, of another project, or outside the filter.
    """
    if window.definition.object == "user":
        contact = await queries.person(reader, window.workspace_id, window.project_id, reference)
        if contact is None:
            return None
        made = await queries.people(reader, window.workspace_id, window.project_id, [contact])
        id, document = contact, made[contact]
        more = {"submitter": document["email"]}
    else:
        found = await tickets.find(reader, window.workspace_id, reference)
        if found is None or found.deleted or window.project_id not in (None, found.project_id):
            return None
        id, more = found.id, {}
        document = (await tickets.documents(reader, window.workspace_id, [id]))[id]
    return (id, document) if conditions.matches(window.definition.filter, document, more) else None


def one_row(window: Window, document: Mapping[str, Any]) -> Table:
    """What a record lookup shows of a record."""
    return Table(*fields.shown(window.fields, [document]))


@dataclass(frozen=True, slots=True)
class _Kept:
    """A division into pages, as of the workspace's change number `changed`; to be had for at least until `until`."""

    cut: Cut
    changed: int
    definition: DataPackage
    until: float


_Seen = tuple[int, int, int | None]


class Packages:
    """Data packages of one process.

    A page is found by the id it begins with, so that the last costs as much as the first. Where pages begin is
    worked out by one pass over the records and kept until something changes in the workspace (of a very large
    package a little longer: its pages then have the records that are in them by now).
    """

    LARGEST = 200

    def __init__(self, db: Database) -> None:
        self._db = db
        self._kept: OrderedDict[_Seen, _Kept] = OrderedDict()
        self._making: WeakValueDictionary[_Seen, asyncio.Lock] = WeakValueDictionary()

    async def page(self, window: Window, number: int) -> Table:
        """Page `number`, from 1; empty past the end."""
        package = window.definition
        assert isinstance(package, DataPackage)
        cut = await self._cut(window, package)
        async with self._db.reading() as reader:
            ids = await _ids(reader, window, package, cut, number)
            documents = await _documents(reader, window, ids)
        there = [documents[id] for id in ids if id in documents and not documents[id].get("deleted")]
        return Table(*fields.shown(window.fields, there), number, package.page_size, cut.total)

    async def _cut(self, window: Window, package: DataPackage) -> Cut:
        """How the package divides; who asks while that is worked out waits for it, and no second one begins."""
        seen = (window.workspace_id, window.id, window.project_id)
        kept = self._kept.get(seen)
        if kept is not None and kept.definition == package and time.monotonic() < kept.until:
            return kept.cut
        lock = self._making.get(seen)
        if lock is None:
            lock = self._making[seen] = asyncio.Lock()
        async with lock, self._db.reading() as reader:
            changed = await changes.queries.last(reader, window.workspace_id)
            kept = self._kept.get(seen)
            if kept is not None and kept.definition == package and kept.changed == changed:
                return kept.cut
            began = time.monotonic()
            cut = await queries.cut(
                reader,
                window.workspace_id,
                window.project_id,
                package.object,
                package.filter,
                package.page_size,
            )
            self._keep(seen, _Kept(cut, changed, package, _until(began)))
        return cut

    def _keep(self, seen: _Seen, kept: _Kept) -> None:
        self._kept[seen] = kept
        self._kept.move_to_end(seen)
        if len(self._kept) > self.LARGEST:
            self._kept.popitem(last=False)


def _until(began: float) -> float:
    """Until when a division that was begun then is kept, whatever changes."""
    now = time.monotonic()
    return now if now - began < CHEAP_S else now + (now - began) * KEPT_TIMES


async def _ids(reader: Reader, window: Window, package: DataPackage, cut: Cut, number: int) -> Sequence[int]:
    """The ids of a page's records; none past the end."""
    if number > len(cut.starts):
        return ()
    if cut.ids is not None:
        return cut.ids[(number - 1) * package.page_size : number * package.page_size]
    last = number == len(cut.starts)
    return await queries.ids(
        reader, window.workspace_id, window.project_id, package.object, package.filter,
        cut.starts[number - 1], None if last else cut.starts[number], package.page_size,
    )  # fmt: skip


async def _documents(reader: Reader, window: Window, ids: Sequence[int]) -> Mapping[int, Mapping[str, Any]]:
    if window.definition.object == "feedback":
        return await tickets.documents(reader, window.workspace_id, ids)
    if window.definition.object == "user":
        return await queries.people(reader, window.workspace_id, window.project_id, ids)
    return await queries.projects(reader, window.workspace_id, ids)


async def _hear(
    tx: Transaction, heard: Sequence[Heard], entries: Sequence[intake.NewEntry]
) -> Sequence[Heard | errors.HubError]:
    """Subjects in one order everywhere, so that two batches cannot wait for each other."""
    outcomes: dict[int, Heard | errors.HubError] = {}
    gathered: dict[int, running.Gathered] = {}
    machinery: dict[int, Machinery] = {}
    for place in sorted(range(len(heard)), key=lambda n: _place(heard[n])):
        one = heard[place]
        workspace_id = one.window.workspace_id
        if workspace_id not in machinery:
            machinery[workspace_id] = await automation_queries.machinery(tx, workspace_id)
        its = machinery[workspace_id]
        done = await attempted(tx, lambda inner, one=one, its=its: _did(inner, one, its))  # type: ignore[misc]
        if isinstance(done, errors.HubError):
            outcomes[place] = done
        elif isinstance(done, Exception):
            raise done
        else:
            outcomes[place] = one
            gathered.setdefault(one.window.workspace_id, running.Gathered()).add(done)
    for workspace_id in sorted(gathered):
        await running.write(tx, workspace_id, gathered[workspace_id])
    accepted = [n for n in range(len(heard)) if not isinstance(outcomes[n], errors.HubError)]
    await intake.queries.record(tx, [entries[n] for n in accepted])
    for workspace_id in sorted(gathered):
        if gathered[workspace_id].news:
            await changes.record(tx, workspace_id, gathered[workspace_id].news)
    return [outcomes[n] for n in range(len(heard))]


def _place(one: Heard) -> tuple[int, str, int]:
    return one.window.workspace_id, one.window.definition.object, one.subject_id


async def _did(tx: Transaction, one: Heard, machinery: Machinery) -> running.Gathered:
    """Do what came in through one listener; gives what is to be written last."""
    listener, workspace_id = one.window.definition, one.window.workspace_id
    assert isinstance(listener, Listener)
    subject: tuple[changes.SubjectType, int] = (
        "contact" if listener.object == "user" else "ticket", one.subject_id,
    )  # fmt: skip
    values = one.captured
    if (
        listener.kind == "comment" and subject[0] == "contact"
    ):  # people have no timeline; the feed tells of each
        values = (Captured(one.window.key, "comment", one.comment or ""),)
    if values:
        news = await capturing.store(
            tx, workspace_id, subject, values, by=one.actor, listener=one.window.key, origin=one.origin
        )
        return running.Gathered(news=news)
    if listener.kind == "comment":
        note = tickets.AddNote(one.comment or "")
        acted = await tickets.act(tx, workspace_id, one.subject_id, [note], tickets.By(one.actor, one.origin))
        return running.Gathered(news=acted.news)
    document = await subjects.document(tx, workspace_id, subject[0], str(one.subject_id))
    if document is None:
        raise errors.NotFound("It is gone.")
    now, origin = await automation_queries.clock(tx), automation_rules.origin_of(one.origin)
    called = Occasion("listener", now, subject[0], str(one.subject_id), document, one.actor, origin=origin)
    (occasion,) = await introducing.introduced(tx, workspace_id, [called])
    done = await running.act(tx, machinery, occasion, listener.do, one.actor, origin)
    if done.warnings and subject[0] == "ticket":
        told = f"Listener {one.window.key} ran with warnings: {'; '.join(done.warnings)}"
        done.notes.append((workspace_id, one.subject_id, "tellback", "rule", told))
    return done


#: What came in through listeners, with its log entries. One that cannot be done is refused, wholly.
HEAR: intake.Intake[Heard, Heard] = intake.intake("listeners", _hear)
