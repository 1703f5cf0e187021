"""Records that come in at the same time through several processes: one contact, one account, no fault."""

from __future__ import annotations

import asyncio
import csv
import itertools
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tellback.core import errors, imports, intake, provisioning
from tellback.core.cache import ConfigurationCache
from tellback.core.imports import Mapped, NewRecord, Stored
from tellback.storage.database import Database
from tellback.storage.group_commit import GroupCommit

HUB = """
workspace: {slug: demo}
import_configurations:
  - reference: whole
    object: survey_record
    fields:
      Account: account.name
      Alias: account.alias
      Region: account.segments.region
      Email: contact.email
      Phone: contact.phone
      First: contact.first_name
      Sent: response.sent_at
      Done: response.completed_at
"""
DATES = {"Sent": "2026-01-01", "Done": "2026-01-02"}
#: Processes of a hub that are each sent single records, and a bulk run beside them.
PROCESSES, BULK = 2, 2

#: Makes the people of one example others than those of the next.
_examples = itertools.count(1)


def people() -> st.SearchStrategy[list[tuple[int, dict[str, str]]]]:
    """Records that name few people and companies in many ways, each with who is sent it."""

    def some(*values: str) -> st.SearchStrategy[str]:
        return st.sampled_from(values)

    names = ("Acme", "ACME ", "Globex", "Initech")
    contact = st.one_of(
        st.fixed_dictionaries(
            {"Email": some("ann@%s", "ANN@%s", "bo@%s")}, optional={"Phone": some("1%s", "2%s")}
        ),
        st.fixed_dictionaries({"Phone": some("1%s", "2%s")}),
    )
    rest = st.fixed_dictionaries(
        {},
        optional={
            "Account": some(*names),
            "Alias": some(*names),
            "Region": some("n", "s"),
            "First": some("A", "B"),
        },
    )
    record = st.builds(lambda one, other: one | other, contact, rest)
    return st.lists(st.tuples(st.integers(0, BULK), record), min_size=6, max_size=24)


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


def test_makes_one_of_each_in_any_interleaving(
    database_url: str, loop: asyncio.AbstractEventLoop, tmp_path: Path
) -> None:
    async def prepared(stack: AsyncExitStack) -> tuple[Database, list[GroupCommit], Mapped]:
        db = await Database.open(database_url)
        stack.push_async_callback(db.close)
        await provisioning.apply(db, provisioning.read(HUB, "hub.yaml"))
        processes = [await GroupCommit.open(database_url) for _ in range(PROCESSES)]
        for one in processes:
            stack.push_async_callback(one.close)
        mapping = await imports.find(db, ConfigurationCache(db), 1, "whole")
        assert mapping is not None
        return db, processes, mapping

    stack = AsyncExitStack()
    db, processes, mapping = loop.run_until_complete(prepared(stack))

    @settings(
        max_examples=30,
        phases=[Phase.explicit, Phase.generate],  # what depends on timing cannot be made smaller
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    )
    @given(people())
    def holds(sent: list[tuple[int, dict[str, str]]]) -> None:
        example = next(_examples)
        told = [(to, _own(example, cells)) for to, cells in sent]
        singles = [(processes[to], _record(mapping, cells)) for to, cells in told if to != BULK]
        job = _file(tmp_path / f"{example}.csv", mapping, [cells for to, cells in told if to == BULK])
        stored = loop.run_until_complete(asyncio.wait_for(_send(db, singles, job), 30))
        loop.run_until_complete(_check(database_url, stored))

    try:
        holds()
    finally:
        loop.run_until_complete(stack.aclose())


def _own(example: int, cells: dict[str, str]) -> dict[str, str]:
    """The cells of one example, whose people are not those of another."""
    own = {"Email": f"{example}.example", "Phone": f"{example:06}"}
    values = {name: value % own[name] if name in own else value for name, value in cells.items()}
    for name in ("Account", "Alias"):
        if name in values:
            values[name] = f"{values[name].strip()} {example} "
    return values | DATES


def _record(mapping: Mapped, cells: dict[str, str]) -> NewRecord:
    read = imports.mapping.read(mapping, cells)
    assert read.record is not None, read.faults
    return NewRecord(mapping, read.record, "record", "whole", "connected app CRM")


def _file(path: Path, mapping: Mapped, rows: Sequence[dict[str, str]]) -> imports.runs.Job:
    """A bulk run of the rows."""
    with path.open("w", newline="", encoding="utf-8") as out:
        writer = csv.DictWriter(out, [heading for heading, _ in mapping.configuration.fields])
        writer.writeheader()
        writer.writerows(rows)
    return imports.runs.Job(mapping, path, "operator")


async def _send(
    db: Database, records: Sequence[tuple[GroupCommit, NewRecord]], job: imports.runs.Job
) -> list[tuple[NewRecord, Stored]]:
    """Everything at the same time; gives what of the records was stored. Only an alias may be refused."""

    async def single(process: GroupCommit, new: NewRecord) -> Stored | errors.HubError:
        entry = intake.NewEntry(1, "r", "test", "PUT", "/records", "CRM", "whole", 200)
        try:
            return await process.write(imports.STORE.plain, intake.Submission(new, entry))
        except errors.Invalid as refused:
            return refused

    run, outcomes = await asyncio.gather(
        imports.runs.run(db, job, again=True),
        asyncio.gather(*(single(process, new) for process, new in records)),
    )
    assert run.run.finished_at is not None
    stored = []
    for (_, new), outcome in zip(records, outcomes, strict=True):
        if isinstance(outcome, Stored):
            stored.append((new, outcome))
            continue
        assert isinstance(outcome, errors.Invalid)
        assert [fault.where for fault in outcome.faults] == ["Alias"]
        assert new.record.account is not None
        assert new.record.account.alias
    return stored


async def _check(url: str, stored: Sequence[tuple[NewRecord, Stored]]) -> None:
    connection = await asyncpg.connect(url)
    try:
        found = {row["id"]: row for row in await connection.fetch(_RESPONSES)}
        assert await connection.fetch(_DOUBLES) == []
    finally:
        await connection.close()
    for new, outcome in stored:
        response = found[outcome.id]
        given = new.record.contact
        assert given is not None
        if given.email:
            assert response["email_key"] == given.email.lower()  # a phone may have changed since
        if new.record.account is not None:
            assert new.record.account.name.strip().lower() in response["names"]


_RESPONSES = """
select r.id, c.email_key,
       array(select name_key from account_names n where n.account_id = r.account_id) as names
from responses r join contacts c on c.id = r.contact_id
"""
# What must be nowhere: identities that are two, accounts without a name, effects that the feed tells twice or never.
_DOUBLES = """
select 'e-mail' as what, email_key as which from contacts where email_key is not null group by 2 having count(*) > 1
union all
select 'phone', phone_key from contacts where phone_key is not null group by 2 having count(*) > 1
union all
select 'account', name_key from account_names group by 2 having count(*) > 1
union all
select 'account without a name', id::text from accounts a
where not exists (select from account_names n where n.account_id = a.id and not n.alias)
union all
select 'told twice', kind || ' ' || subject_id from changes
where kind in ('contact.created', 'account.created', 'response.recorded') group by 2 having count(*) > 1
union all
select 'never told', 'contact ' || id from contacts c
where not exists (select from changes where kind = 'contact.created' and subject_id = c.id::text)
union all
select 'never told', 'response ' || id from responses r
where not exists (select from changes where kind = 'response.recorded' and subject_id = r.id::text)
union all
select 'a hole in the feed', (max(seq) - count(*))::text from changes having max(seq) <> count(*)
union all
select 'a hole in the responses', (max(id) - count(*))::text from responses having max(id) <> count(*)
"""


def test_sends_to_every_process() -> None:
    """The strategy reaches the bulk run and each process, so that the interleaving is one."""
    seen: set[Any] = set()

    @settings(max_examples=20, database=None)
    @given(people())
    def look(sent: list[tuple[int, dict[str, str]]]) -> None:
        seen.update(to for to, _ in sent)

    look()
    assert seen == {0, 1, BULK}
