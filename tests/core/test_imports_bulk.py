"""Bulk storing does what the same records do one at a time (contract, "Bulk import": the same rules as a PUT)."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO

import asyncpg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tellback.core import errors, imports, provisioning
from tellback.core.imports import Mapped, NewRecord, blocks, mapping, tables
from tellback.core.imports.bulk import Bulk
from tellback.core.imports.columns import Columns
from tellback.core.people import bulk_queries
from tellback.storage.database import Database

HUB = """
workspace: {{slug: {slug}, timezone: Europe/Stockholm}}
touchpoints: [Support, Sales]
import_configurations:
  - reference: answers
    object: survey_record
    fields:
      Company: account.name
      Region: account.segments.region
      Email: contact.email
      Phone: contact.phone
      First: contact.first_name
      Tier: contact.segments.tier
      Sent: response.sent_at
      Done: response.completed_at
      Score: response.score
      Comment: response.comment
      Where: response.touchpoint
      Back: response.follow_up
      Why: response.follow_up_details
      Ref: response.reference
      Price: response.driver.price
      Speed: response.driver.speed
  - reference: people
    object: contact
    fields:
      Company: account.name
      Alias: account.alias
      Region: account.segments.region
      Employer: contact.account
      Email: contact.email
      Phone: contact.phone
      First: contact.first_name
      Tier: contact.segments.tier
  - reference: companies
    object: account
    unmapped: reject
    fields: {{Company: account.name, Alias: account.alias, Region: account.segments.region, Tier: account.segments.tier}}
"""
CELLS: dict[str, Sequence[str]] = {
    "Company": ("ACME", "acme ", "Globex", "Initech", "Straße", "STRASSE", ""),
    "Alias": ("", "", "Glob", "ACME", "Initech", "Umbrella"),
    "Employer": ("", "ACME", "Umbrella", "glob"),
    "Region": ("North", "South", "", "back\\slash"),
    "Email": ("ann@example.com", "Ann@Example.com", " bo@example.com", "cy@example.com", "di@example.com", "", "no"),
    "Phone": ("", "", "555", "5-5-5", "+555", "777", "888", "call me"),
    "First": ("Ann", "Bo", "", " Bo ", "x" * 256),
    "Tier": ("gold", "tin", ""),
    "Sent": (
        *("2026-01-01 10:00:00", "2026-01-01", "2026-03-29 02:30:00", "2026-10-25 02:30:00"),
        *("2026-01-01T10:00:00Z", "2026-01-01 10:00:00+05:30", "0099-12-31 23:59:59", "1890-01-01 12:00:00"),
        *(" 2026-01-01 10:00:01 ", "2026-01-01 10:00:60", "2026-02-30 10:00:00", "soon", ""),
    ),
    "Done": ("2026-01-02 11:34:56", "2026-01-02 11:59:59", "9999-12-31 23:59:59", "9999-12-31T23:59:59-05:00"),
    "Score": ("9", "10", "07", "0", "", " 8 ", "11", "7.0", "-1", "٣"),
    "Comment": (
        *("", "  ", " fine ", "tab\there", "back\\slash", "two\nlines", "cr\r\nlf", "\\N", 'a "quote"', "ünï"),
        "\x1f",
    ),
    "Where": ("", "support", " Sales", "nowhere"),
    "Back": ("", "y", "N", "maybe"),
    "Why": ("", "because"),
    "Ref": ("R-1", "", "\\.", " R-2 ", "x" * 256),
    "Price": ("", "1", "1.50", "high", "1e5"),
    "Speed": ("", "3", "true"),
    "Other": ("", "dropped"),
}  # fmt: skip
#: What a JSON line may hold beside texts.
VALUES: Sequence[Any] = (None, True, 7, 7.0, 7.5, [], "9", "ann@example.com", "a\x00b")
HEADINGS = {
    "answers": [name for name in CELLS if name not in ("Alias", "Employer")],
    "people": ["Company", "Alias", "Region", "Employer", "Email", "Phone", "First", "Tier", "Other"],
    "companies": ["Company", "Alias", "Region", "Tier", "Other"],
}
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Part:
    """Rows that come together: as a chunk of a file (with these headings, or as JSON lines), or one call each."""

    how: str
    rows: Sequence[Row]


@st.composite
def parts(draw: st.DrawFn, reference: str) -> list[Part]:
    names = HEADINGS[reference]
    needed = [name for name in ("Company", "Email", "Sent", "Done") if name in names]
    optional = [name for name in names if name not in needed]
    headings = [*needed, *draw(st.lists(st.sampled_from(optional), unique=True))]
    plain = st.fixed_dictionaries({name: _cell(name) for name in headings})
    sparse = st.fixed_dictionaries(
        {"Email": _cell("Email")},
        optional={name: _cell(name) | st.sampled_from(VALUES) for name in names if name != "Email"},
    )
    part = st.one_of(
        st.builds(Part, st.just("csv"), st.lists(plain, min_size=1, max_size=12)),
        st.builds(Part, st.just("json"), st.lists(sparse, min_size=1, max_size=6)),
        st.builds(Part, st.just("calls"), st.lists(sparse, min_size=1, max_size=3)),
    )
    return draw(st.lists(part, min_size=1, max_size=5))


def _cell(name: str) -> st.SearchStrategy[str]:
    """Mostly what is often there, so that rows fit and meet each other."""
    likely, all_of_them = CELLS[name][:4], CELLS[name]
    return st.sampled_from(likely) | st.sampled_from(likely) | st.sampled_from(all_of_them)


@dataclass
class Desk:
    """Two workspaces that are configured alike: in one all comes in bulk, in the other one by one."""

    url: str
    db: Database
    eye: asyncpg.Connection

    async def mapped(self, slug: str, reference: str) -> Mapped:
        workspace_id = await self.eye.fetchval("select id from workspaces where slug = $1", slug)
        async with self.db.reading() as reader:
            found = await imports.queries.configuration(reader, workspace_id, reference)
        assert found is not None
        return mapping.compiled(found)

    async def clear(self) -> None:
        for table in ("responses", "contacts", "account_names", "accounts", "changes"):
            await self.eye.execute(f"delete from {table}")
        await self.eye.execute("update workspace_counters set changes = 0, responses = 0")

    async def put(self, mapped: Mapped, record: Row) -> str:
        """What became of one record, one at a time."""
        read = mapping.read(mapped, record)
        if read.record is None:
            return "rejected"
        new = NewRecord(mapped, read.record, "import", mapped.configuration.reference, "operator")
        [stored] = await self.db.write(lambda tx: imports.store(tx, [new]))
        return "rejected" if isinstance(stored, errors.HubError) else stored.verdict

    async def compare(self, reference: str, given: Sequence[Part]) -> None:
        await self.clear()
        together, single = await self.mapped("together", reference), await self.mapped("single", reference)
        columns = Columns(together)
        bulk = Bulk(together, "operator", columns.names)
        for part in given:
            wanted = Counter([await self.put(single, row) for row in part.rows])
            if part.how == "calls":
                assert wanted == Counter([await self.put(together, row) for row in part.rows])
                continue
            counts: Counter[str] = Counter()
            for block in _blocks(part, together):
                chunk = columns.chunk(block)
                brought = await self.db.write(lambda tx, chunk=chunk: bulk.store(tx, chunk))  # type: ignore[misc]
                bulk.keep()
                counts += Counter(brought.counts)
                counts["rejected"] += len(chunk.rejects) + len(brought.refused)
            assert +counts == wanted
        assert await self.kept("together") == await self.kept("single")
        assert await self.told("together") == await self.told("single")

    async def kept(self, slug: str) -> list[list[tuple[Any, ...]]]:
        """All that is stored, without the ids and times that the hub made up."""
        return [
            [tuple(row) for row in await self.eye.fetch(text, slug)]
            for text in (
                """
                select a.name, a.segments, n.name_key, n.name, n.alias from accounts a
                join account_names n on n.workspace_id = a.workspace_id and n.account_id = a.id
                join workspaces w on w.id = a.workspace_id where w.slug = $1 order by n.name_key
                """,
                """
                select c.email, c.email_key, c.phone, c.phone_key, c.first_name, c.segments, a.name
                from contacts c join workspaces w on w.id = c.workspace_id
                left join accounts a on a.workspace_id = c.workspace_id and a.id = c.account_id
                where w.slug = $1 order by c.email_key, c.phone_key
                """,
                """
                select r.id, to_jsonb(r) - 'workspace_id' - 'contact_id' - 'account_id' - 'created_at',
                       c.email_key, c.phone_key, a.name
                from responses r join workspaces w on w.id = r.workspace_id
                left join contacts c on c.workspace_id = r.workspace_id and c.id = r.contact_id
                left join accounts a on a.workspace_id = r.workspace_id and a.id = r.account_id
                where w.slug = $1 order by r.id
                """,
            )
        ]

    async def told(self, slug: str) -> Counter[tuple[Any, ...]]:
        """What the feed tells of each subject: that it was made and by whom, or, however often, changed."""
        rows = await self.eye.fetch(
            """
            select f.seq, f.kind, f.subject_type, f.actor,
                   coalesce(c.email_key, c.phone_key, a.name, f.subject_id) as who,
                   case when f.kind = 'response.recorded' then f.data end as data
            from changes f join workspaces w on w.id = f.workspace_id
            left join contacts c on f.subject_type = 'contact' and c.workspace_id = w.id and c.id::text = f.subject_id
            left join accounts a on f.subject_type = 'account' and a.workspace_id = w.id and a.id::text = f.subject_id
            where w.slug = $1 order by f.seq
            """,
            slug,
        )
        assert [row["seq"] for row in rows] == list(range(1, len(rows) + 1))
        made = [tuple(row)[1:] for row in rows if not row["kind"].endswith(".changed")]
        return Counter(made)


def _blocks(part: Part, mapped: Mapped) -> Iterator[blocks.Block]:
    headings = [one.heading for one in mapped.fields]
    file, name = _file(part)
    yield from blocks.blocks(file, table := tables.head(file, name), table.place, table.line, 1_000, headings)


def _file(part: Part) -> tuple[BinaryIO, str]:
    if part.how == "json":
        return io.BytesIO("".join(f"{json.dumps(row)}\n" for row in part.rows).encode()), "rows.ndjson"
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(part.rows[0]))
    writer.writeheader()
    writer.writerows(part.rows)
    return io.BytesIO(text.getvalue().encode()), "rows.csv"


@contextmanager
def desk(url: str) -> Iterator[tuple[Desk, asyncio.Runner]]:
    async def opened() -> Desk:
        db = await Database.open(url)
        for slug in ("together", "single"):
            await provisioning.apply(db, provisioning.read(HUB.format(slug=slug), "hub.yaml"))
        return Desk(url, db, await asyncpg.connect(url))

    with asyncio.Runner() as runner:
        open_desk = runner.run(opened())
        try:
            yield open_desk, runner
        finally:
            runner.run(open_desk.eye.close())
            runner.run(open_desk.db.close())


@pytest.mark.parametrize("reference", ["answers", "people", "companies"])
def test_does_what_single_records_do(database_url: str, reference: str) -> None:
    with desk(database_url) as (open_desk, runner):

        @settings(max_examples=60)
        @given(parts(reference))
        def holds(given: list[Part]) -> None:
            runner.run(open_desk.compare(reference, given))

        holds()


def _person(email: str, phone: str = "", first: str = "Ann", **others: str) -> Row:
    answer = {"Company": "ACME", "Region": "North", "Sent": "2026-01-01", "Done": "2026-01-02", "Score": "9"}
    return {**answer, "Email": email, "Phone": phone, "First": first, **others}


ANN, ANNA = _person("ann@example.com"), _person("ann@example.com", first="Anna")
SOUTH = _person("bo@example.com", Region="South")
BO, BO_MOVED = _person("bo@example.com", "555"), _person("bo@example.com", "777")
TAKER = _person("cy@example.com", "555")


@pytest.mark.parametrize(
    "given",
    [
        pytest.param([Part("csv", [ANN]), Part("calls", [ANNA]), Part("csv", [ANN])], id="a contact, by a call"),
        pytest.param([Part("csv", [ANN]), Part("calls", [SOUTH]), Part("csv", [ANN])], id="an account, by a call"),
        pytest.param([Part("csv", [ANN, ANNA, ANN, ANNA])], id="a contact, in the chunk"),
        pytest.param([Part("csv", [ANN, SOUTH, ANN])], id="an account, in the chunk"),
        pytest.param([Part("csv", [ANN]), Part("csv", [SOUTH, ANN])], id="an account, in the next chunk"),
        pytest.param([Part("csv", [ANN]), Part("csv", [ANN, ANNA, ANN])], id="a contact, in the next chunk"),
        pytest.param([Part("csv", [BO, TAKER, BO_MOVED, TAKER])], id="a phone that was another's"),
        pytest.param([Part("csv", [BO, TAKER]), Part("csv", [BO_MOVED, TAKER])], id="a phone, in the next chunk"),
        pytest.param(
            [Part("csv", [BO, TAKER]), Part("calls", [BO_MOVED]), Part("csv", [TAKER])], id="a phone, by a call"
        ),
        pytest.param(
            [Part("calls", [BO, _person("cy@example.com", "777")]),
             Part("csv", [_person("bo@example.com", "888"), _person("cy@example.com", "555")])],
            id="two phones in turn",
        ),
    ],
)  # fmt: skip
def test_notices_a_change(database_url: str, given: list[Part]) -> None:
    with desk(database_url) as (open_desk, runner):
        runner.run(open_desk.compare("answers", given))


def test_looks_up_by_key_however_large_the_tables_are(database_url: str) -> None:
    """A plan that reads a table from end to end would cost each chunk of a file what the table is large."""

    async def plans(open_desk: Desk) -> list[str]:
        eye = open_desk.eye
        await eye.execute(
            """
            insert into contacts (workspace_id, email, email_key, phone, phone_key)
            select w.id, n || '@x.io', n || '@x.io', n::text, n::text
            from workspaces w, generate_series(1, 30000) n;
            insert into accounts (workspace_id, id, name) overriding system value
            select w.id, n, 'Company ' || n from workspaces w, generate_series(1, 30000) n;
            insert into account_names (workspace_id, name_key, account_id, name)
            select w.id, 'company ' || n, n, 'Company ' || n from workspaces w, generate_series(1, 30000) n;
            analyze contacts, accounts, account_names
            """
        )
        workspace_id = await eye.fetchval("select min(id) from workspaces")
        texts = [f"{n}@x.io" for n in range(20_000)]
        ids = list(range(1, 20_001))
        return [
            "\n".join(row[0] for row in await eye.fetch(f"explain {text}", workspace_id, keys))
            for text, keys in (
                (bulk_queries.CONTACTS.format(key="email_key"), texts),
                (bulk_queries.CONTACTS.format(key="phone_key"), texts),
                (bulk_queries.LOCKED, ids),
                (bulk_queries.ACCOUNTS, texts),
            )
        ]

    with desk(database_url) as (open_desk, runner):
        for plan in runner.run(plans(open_desk)):
            assert "Seq Scan" not in plan, plan
