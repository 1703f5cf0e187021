"""Erasing while the same person comes in, and erasing that was cut short."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from tellback.core import erasure, errors, files, imports, intake, projects, provisioning, responses, tickets
from tellback.core.cache import ConfigurationCache
from tellback.core.files import NewFile
from tellback.core.imports import NewRecord
from tellback.core.responses import NewResponse
from tellback.core.tickets import NewTicket
from tellback.storage import blobs
from tellback.storage.blobs import BlobStore
from tellback.storage.database import Database, Transaction
from tellback.storage.errors import BlobMissing
from tellback.storage.group_commit import GroupCommit

pytestmark = pytest.mark.anyio

HUB = """
workspace: {slug: demo}
api_keys: [{name: Apps, key: mob_6f1d0c8e5a7b4923}]
projects:
  - key: beta
    participants: [{email: ann@example.com, name: Ann Tester}, {email: bo@example.com, name: Bo}]
    feedback_types:
      - key: bugs
        prefix: BUG
        statuses: [{name: New, kind: open}]
        elements: [{key: title, type: text, role: subject}]
        external_sources:
          - {key: app, api_key: Apps, default_submitter: bo@example.com, status: New, fields: {title: title}}
rules: [{key: any, on: ticket.created, do: [{add_tag: new}]}]
import_configurations:
  - reference: whole
    object: survey_record
    fields: {Email: contact.email, Sent: response.sent_at, Done: response.completed_at, Comment: response.comment}
"""
ENTRY = intake.NewEntry(1, "r", "hub", "DELETE", "/hub/v1/contacts/1", "ada", None, 204)


@dataclass
class House:
    """A workspace with Ann in it, and two processes that take things in."""

    url: str
    db: Database
    processes: list[GroupCommit]
    store: BlobStore
    ann: int = 0

    async def erase(self, settle_s: float = 0.0) -> None:
        await erasure.erase(self.db, self.store, erasure.Order(1, self.ann, "ada", ENTRY), settle_s=settle_s)

    async def record(self, process: int, comment: str, email: str = "ann@example.com") -> None:
        """As a call brings it."""
        mapping = await imports.find(self.db, ConfigurationCache(self.db), 1, "whole")
        assert mapping is not None
        cells = {"Email": email, "Sent": "2026-01-01", "Done": "2026-01-02", "Comment": comment}
        read = imports.mapping.read(mapping, cells)
        assert read.record is not None
        new = NewRecord(mapping, read.record, "record", "whole", "CRM")
        await self.processes[process].write(imports.STORE.plain, intake.Submission(new, ENTRY))

    async def ticket(self, title: str) -> int:
        """As a process files it that still takes Ann for a participant."""
        project = await projects.find(self.db, ConfigurationCache(self.db), 1, "beta")
        assert project is not None
        async with self.db.reading() as reader:
            (of,) = (await projects.queries.feedback_types(reader, 1, project.id)).values()
        new = NewTicket(
            1, project.id, "beta", of.id, of.key, of.prefix, of.digits, "external_source", project.sources[0].id,
            "app", "New", "open", title, None, {"title": title}, self.ann, None, "source app",
        )  # fmt: skip
        return (await self.processes[0].write(tickets.FILE.plain, intake.Submission(new, ENTRY))).id

    async def rows(self, query: str, *arguments: Any) -> list[dict[str, Any]]:
        connection = await asyncpg.connect(self.url)
        try:
            return [dict(row) for row in await connection.fetch(query, *arguments)]
        finally:
            await connection.close()

    async def told(self, kind: str) -> int:
        return len(await self.rows("select 1 from changes where kind = $1", kind))

    async def begun(self) -> None:
        """Wait until the person is gone, and the rest is yet to be done."""
        async with asyncio.timeout(20):
            while True:
                if await self.told("contact.erased"):
                    return
                await asyncio.sleep(0.01)


@pytest.fixture
async def house(database_url: str, tmp_path: Path) -> AsyncIterator[House]:
    db = await Database.open(database_url)
    processes = [await GroupCommit.open(database_url) for _ in range(2)]
    store = blobs.open_store(str(tmp_path))
    await provisioning.apply(db, provisioning.read(HUB, "hub.yaml"), prune=False)
    made = House(database_url, db, processes, store)
    [row] = await made.rows("select id from contacts where email_key = 'ann@example.com'")
    made.ann = row["id"]
    yield made
    for one in processes:
        await one.close()
    await store.close()
    await db.close()


async def test_leaves_nobody_between_two_persons(house: House) -> None:
    """Records of the same address, while it is erased: each is of the person who was, or of the one who is."""
    await house.record(0, "the first word of Ann")

    async def coming(process: int) -> None:
        for number in range(30):
            await house.record(process, f"word {number} of Ann at {process}")

    await asyncio.gather(house.erase(settle_s=1.0), coming(0), coming(1))
    stored = await house.rows("select contact_id, comment, erased_at from responses")
    known = {row["id"] for row in await house.rows("select id from contacts")}
    assert len(stored) == 61
    assert house.ann not in known
    erased = [row for row in stored if row["contact_id"] is None]
    assert erased
    assert {row["comment"] for row in erased} == {"erased"}
    assert all(row["erased_at"] for row in erased)
    assert {row["contact_id"] for row in stored if row["contact_id"] is not None} <= known
    assert await house.told("response.erased") == len(erased)
    assert await house.told("contact.erased") == 1


async def test_erases_once_for_many_who_ask_at_once(house: House) -> None:
    await house.record(0, "a word of Ann")
    await asyncio.gather(*(house.erase() for _ in range(5)))
    assert (await house.told("contact.erased"), await house.told("response.erased")) == (1, 1)
    assert (
        len(await house.rows("select 1 from intake where method = 'DELETE'")) == 6
    )  # the record's entry, too


async def test_finds_by_what_the_person_is_known_by_at_last(house: House) -> None:
    """The phone is told of while the erasure waits for the one who tells."""
    teller = await asyncpg.connect(house.url)
    transaction = teller.transaction()
    await transaction.start()
    await teller.execute(
        "update contacts set phone = '+46 70 1234567', phone_key = '+46701234567' where id = $1", house.ann
    )
    await house.rows(
        "insert into rule_runs (workspace_id, rule_id, subject_type, subject_id, outcome, detail)"
        " select 1, id, 'account', '1', 'failed', 'nobody at +46701234567' from rules"
    )
    erasing = asyncio.create_task(house.erase())
    await asyncio.sleep(0.3)
    assert not erasing.done()
    await transaction.commit()
    await teller.close()
    await erasing
    [run] = await house.rows("select detail from rule_runs")
    assert run["detail"] == "nobody at erased"


async def test_erases_what_those_still_store_who_knew_the_person(house: House) -> None:
    erasing = asyncio.create_task(house.erase(settle_s=1.0))
    await house.begun()
    number = await house.ticket("Ann says hello")
    late = NewResponse(1, "record", "whole", True, comment="Ann says goodbye", contact_id=house.ann)
    await house.db.write(lambda tx: responses.queries.record_many(tx, [late]))
    await erasing
    [ticket] = await house.rows("select * from tickets where id = $1", number)
    assert (ticket["subject"], ticket["submitter_id"]) == ("erased", None)
    [response] = await house.rows("select * from responses")
    assert (response["comment"], response["contact_id"]) == ("erased", None)


async def test_waits_for_a_chunk_that_an_import_is_storing(house: House) -> None:
    [run] = await house.rows(
        """
        insert into import_runs (workspace_id, configuration_id, content, file, size)
        select 1, id, '', 'f.csv', 1 from import_configurations returning id
        """
    )
    chunk = await asyncpg.connect(house.url)
    transaction = chunk.transaction()
    await transaction.start()
    await chunk.execute("select from import_runs where id = $1 for update", run["id"])
    erasing = asyncio.create_task(house.erase())
    await house.begun()
    late = NewResponse(1, "import", "whole", True, comment="Ann in a file", contact_id=house.ann)
    await responses.queries.record_many(Transaction(chunk), [late])
    assert not erasing.done()
    await transaction.commit()
    await chunk.close()
    await erasing
    [response] = await house.rows("select comment, contact_id from responses")
    assert response == {"comment": "erased", "contact_id": None}


async def test_ends_what_was_cut_short(house: House) -> None:
    number = await house.ticket("Ann's log")
    writer = house.store.create()
    await writer.write(b"Ann was here")
    stored = await writer.commit()
    new = NewFile("log", "log", "ann.log", "text/plain", stored.size, stored.sha256, stored.name)
    await house.db.write(lambda tx: files.add_many(tx, 1, number, [new]))

    cut = asyncio.create_task(house.erase(settle_s=60))
    await house.begun()
    cut.cancel()
    with suppress(asyncio.CancelledError):
        await cut
    [file] = await house.rows("select name, size, blob from files")
    assert (file["name"], file["size"]) == ("erased", 0)
    async with house.store.reading(stored.name):
        pass  # its bytes are still there

    await house.erase()
    assert await house.rows("select 1 from files") == []
    with pytest.raises(BlobMissing):
        async with house.store.reading(stored.name):
            pass
    assert await house.told("contact.erased") == 1


async def test_lets_an_old_reply_to_a_session_find_it_changed(house: House) -> None:
    """A reply that was judged before would put the old answers back."""
    await house.rows(
        """
        insert into surveys (workspace_id, id, title, description, channels, state, version, last_answer_id, take_token)
        values (1, 7, 'S', 'S', '{api}', 'deployed', 1, 0, 't')
        """
    )
    await house.rows(
        """
        insert into sessions (workspace_id, token, survey_id, version, channel, step, answers, respondent)
        values (1, 'abc', 7, 1, 'api', 3, '[{"question": 0, "text": "I am Ann", "at": "2026-01-01T00:00:00Z"}]',
                '{"email": "ANN@example.com"}')
        """
    )
    await house.erase()
    [session] = await house.rows("select step, answers, respondent from sessions")
    assert session["step"] == 4
    assert "Ann" not in session["answers"]
    assert session["respondent"] is None


async def test_keeps_what_others_sent_in_whose_place_the_person_stood(house: House) -> None:
    number = await house.ticket("A stranger's word")
    await house.rows("update tickets set submitter_given = 'eve@example.com' where id = $1", number)
    await house.erase()
    [ticket] = await house.rows("select subject, submitter_id, submitter_given from tickets")
    assert ticket == {
        "subject": "A stranger's word",
        "submitter_id": None,
        "submitter_given": "eve@example.com",
    }


async def test_erases_nothing_of_another_workspace(house: House) -> None:
    await house.record(0, "a word of Ann")
    with pytest.raises(errors.NotFound):
        await erasure.erase(house.db, house.store, erasure.Order(2, house.ann, "eve", ENTRY), settle_s=0)
    [response] = await house.rows("select comment, contact_id from responses")
    assert response == {"comment": "a word of Ann", "contact_id": house.ann}
