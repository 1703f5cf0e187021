"""What is seen through windows: the database's decision about filters, and pages that hold everything once."""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from tests.support import postgres as databases

from tellback.core import conditions, errors, provisioning, tickets
from tellback.core.windows import actions as windows
from tellback.core.windows import queries as windows_queries
from tellback.core.windows.filter_queries import Where
from tellback.core.windows.model import Window
from tellback.storage.database import Database, Reader

pytestmark = pytest.mark.anyio

STATUSES = [{"name": name, "kind": "open"} for name in ("New", "new", "7")]
BASE: dict[str, Any] = {
    "workspace": {"slug": "demo"},
    "pages": [{"key": f"page{number}", "page_id": "1", "app_secret": "s"} for number in range(12)],
    "api_keys": [{"name": "Tracker", "key": "k1"}, {"name": "Other", "key": "k2"}],
    "projects": [
        {
            "key": project,
            "participants": [{"email": "ann@example.com", "name": "Ann"}],
            "feedback_types": [
                {
                    "key": type, "prefix": f"{project}{type}", "statuses": STATUSES,
                    "elements": [{"key": "title", "type": "text"}, {"key": "stars", "type": "text"}],
                    "external_sources": [
                        {"key": "app" + type, "api_key": "Tracker", "status": "New", "fields": {"title": "title"}}
                    ],
                }
                for type in ("bugs", "Ideas")
            ],
        }
        for project in ("Beta", "shop")
    ],
}  # fmt: skip
SCALARS = [
    0,
    7,
    -3,
    7.5,
    "7",
    "7.0",
    "+7",
    "x",
    "X",
    "true",
    "True",
    "false",
    "",
    True,
    False,
    "ann@example.com",
]
VALUES = [*SCALARS, [], ["x", 7], [True, "y"], None]
NAMES = [
    "project", "type", "source", "status", "tag", "submitter", "stars", "title", "page", "absent",
    "external.g.l", "external.a.b.c", "external.none.x",
]  # fmt: skip
WORDS = [
    *SCALARS, "New", "beta", "SHOP", "bugs", "ideas", "external_source", "appbugs", "survey", "12", "page",
    "Page11", "Tag", "tag", None,
]  # fmt: skip
BOUNDS = some.fixed_dictionaries(
    {},
    optional={
        name: some.sampled_from([-3, 0, 7, 7.5, None]) for name in ("below", "above", "at_most", "at_least")
    },
).filter(bool)
WANTED = some.sampled_from(WORDS) | some.lists(some.sampled_from(WORDS), min_size=1, max_size=3) | BOUNDS


@dataclass(frozen=True)
class Crowd:
    """A database with tickets of all kinds of values, and their documents."""

    url: str
    documents: dict[int, dict[str, Any]]


@pytest.fixture(scope="module")
def crowd(postgres: databases.Cluster) -> Iterator[Crowd]:
    url = databases.fresh_database(postgres)

    async def made() -> dict[int, dict[str, Any]]:
        db = await Database.open(url)
        await provisioning.apply(db, provisioning.read_value(BASE))
        connection = await asyncpg.connect(url)
        await fill(connection, 150)
        await connection.close()
        async with db.reading() as reader:
            documents = await tickets.documents(reader, 1, list(range(1, 151)))
        await db.close()
        return documents

    yield Crowd(url, databases.run(made()))
    databases.drop(postgres, url)


async def fill(connection: asyncpg.Connection, count: int) -> None:
    """Tickets with values by chance, the same in every run."""
    dice = random.Random(4711)  # noqa: S311 - no secrets
    types = await connection.fetch("select id, project_id from feedback_types order by id")
    sources = {
        row["type_id"]: row["id"]
        for row in await connection.fetch("select id, type_id from external_sources")
    }
    contact = await connection.fetchval("select min(id) from contacts")
    for number in range(1, count + 1):
        type = dice.choice(types)
        channel = dice.choice(["external_source", "survey", "page"])
        source = sources[type["id"]] if channel == "external_source" else 12
        values = {name: dice.choice(VALUES) for name in ("stars", "title", "page") if dice.random() < 0.7}
        external = {"g": {"l": dice.choice(SCALARS)}} if dice.random() < 0.5 else {}
        external |= dice.choice([{}, {"a": {"b.c": "x"}}, {"a.b": {"c": 7}}])
        await connection.execute(
            """
            insert into tickets (workspace_id, id, project_id, type_id, number, channel, source_id, status, status_kind,
                                 "values", external, tags, submitter_id, submitter_given, deleted_at)
            values (1, $1, $2, $3, $1, $4, $5, $6, 'open', $7, $8, $9, $10, $11, case when $12 then now() end)
            """,
            number, type["project_id"], type["id"], channel, source, dice.choice(STATUSES)["name"],
            json.dumps({name: value for name, value in values.items() if value is not None}), json.dumps(external),
            dice.choice([[], ["tag"], ["Tag", "7"]]), dice.choice([None, contact]),
            dice.choice([None, "given@example.com", "ANN@example.com"]), dice.random() < 0.1,
        )  # fmt: skip


@settings(max_examples=150)
@given(wanted=some.dictionaries(some.sampled_from(NAMES), WANTED, min_size=1, max_size=3))
def test_filters_in_the_database_as_it_does_here(crowd: Crowd, wanted: dict[str, Any]) -> None:
    async def found() -> list[int]:
        connection = await asyncpg.connect(crowd.url)
        where = Where("feedback", wanted, 2)
        rows = await connection.fetch(
            f"select t.id from tickets t where t.workspace_id = $1 and {where.text} order by t.id",
            1, *where.arguments,
        )  # fmt: skip
        await connection.close()
        return [row["id"] for row in rows]

    here = [id for id, document in sorted(crowd.documents.items()) if conditions.matches(wanted, document)]
    assert databases.run(found()) == here


def package(**members: Any) -> dict[str, Any]:
    whole = {"key": "all", "object": "feedback", "api_key": "Tracker", "fields": ["id"], "page_size": 7}
    return whole | members


@pytest.fixture
async def db(database_url: str) -> Any:
    db = await Database.open(database_url)
    yield db
    await db.close()


@pytest.fixture
async def shared(crowd: Crowd) -> Any:
    """For tests that do not mind what others have applied."""
    db = await Database.open(crowd.url)
    yield db
    await db.close()


async def applied(db: Database, **sections: Any) -> Any:
    return await provisioning.apply(db, provisioning.read_value(BASE | sections))


async def pages(seen: windows.Packages, window: Window) -> list[list[int]]:
    found: list[list[int]] = []
    for number in itertools.count(1):
        table = await seen.page(window, number)
        if not table.rows:
            return found
        found.append([row[0].values[0] for row in table.rows])
    raise AssertionError


@pytest.mark.parametrize("whole", [10_000, 0])
async def test_shows_every_record_once_whether_its_ids_are_kept_or_found_again(
    db: Database, database_url: str, whole: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(windows_queries, "WHOLE", whole)
    await applied(db, data_packages=[package(filter={"status": "New"}, project="Beta")])
    connection = await asyncpg.connect(database_url)
    await fill(connection, 120)
    wanted = await connection.fetch(
        """
        select t.id from tickets t join projects p on p.workspace_id = t.workspace_id and p.id = t.project_id
        where t.status = 'New' and p.key = 'Beta' and t.deleted_at is null order by t.id
        """
    )
    async with db.reading() as reader:
        window = await windows_queries.window(reader, 1, "data_package", "ALL")
    assert window is not None
    found = await pages(windows.Packages(db), window)
    assert [id for page in found for id in page] == [row["id"] for row in wanted]
    assert {len(page) for page in found[:-1]} == {7}
    await connection.close()


async def test_reads_a_late_page_without_going_through_those_before_it(
    db: Database, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(windows_queries, "WHOLE", 0)
    await applied(db)
    connection = await asyncpg.connect(database_url)
    await connection.execute(
        """
        insert into tickets (workspace_id, id, project_id, type_id, number, channel, status, status_kind)
        select 1, n, 1, 1, n, 'rule', 'New', 'open' from generate_series(1, 30000) n
        """
    )
    await connection.execute("analyze tickets")
    async with db.reading() as reader:
        cut = await windows_queries.cut(reader, 1, 1, "feedback", {}, 100)
        assert (cut.total, len(cut.starts)) == (30_000, 300)
        before = await read_rows(reader)
        ids = await windows_queries.ids(reader, 1, 1, "feedback", {}, cut.starts[298], cut.starts[299], 100)
        assert await read_rows(reader) - before <= 200
    assert ids == list(range(29_801, 29_901))
    await connection.close()


async def read_rows(reader: Reader) -> int:
    """How many tickets this connection and others have read so far, by the server's count."""
    await reader.execute("select pg_stat_force_next_flush()")
    read: int = await reader.fetchval(
        "select seq_tup_read + coalesce(idx_tup_fetch, 0) from pg_stat_user_tables where relname = 'tickets'"
    )
    return read


SECTIONS: dict[str, Sequence[dict[str, Any]]] = {
    "listeners": [
        {
            "key": "done", "object": "feedback", "project": "Beta", "api_key": "Tracker", "kind": "macro",
            "filter": {"type": ["bugs"], "status": "New", "stars": {"below": 7}},
            "do": [{"set_status": "7"}, {"set_field": {"field": "title", "value": "x"}}, {"add_tag": "done"}],
        },
        {"key": "say", "object": "feedback", "api_key": "Other", "kind": "comment"},
        {"key": "crm", "object": "user", "api_key": "Tracker", "kind": "data", "group": "crm"},
    ],
    "record_lookups": [
        {"key": "card", "object": "feedback", "api_key": "Tracker", "fields": ["id", "title", "external.g.l"]},
        {"key": "who", "object": "user", "api_key": "Tracker", "fields": ["email", "segments.region"]},
    ],
    "data_packages": [
        package(project="Beta", filter={"tag": "x"}),
        package(key="projects", object="project", fields=["key", "feedback_types"]),
    ],
}  # fmt: skip


async def test_shows_what_was_applied_and_applying_it_again_changes_nothing(db: Database) -> None:
    outcome = await applied(db, **SECTIONS)
    assert [change.path for change in outcome.changed][-7:] == [
        "listeners.done", "listeners.say", "listeners.crm", "record_lookups.card", "record_lookups.who",
        "data_packages.all", "data_packages.projects",
    ]  # fmt: skip
    assert (await applied(db, **SECTIONS)).changed == ()
    async with db.reading() as reader:
        shown = await provisioning.show(reader, "demo")
    for name, section in SECTIONS.items():
        assert shown[name] == section, name
    assert (await provisioning.apply(db, provisioning.read_value(shown))).changed == ()


async def test_archives_with_prune_and_brings_back(db: Database) -> None:
    await applied(db, **SECTIONS)
    gone = await provisioning.apply(db, provisioning.read_value(BASE | {"listeners": []}), prune=True)
    assert sorted(str(change) for change in gone.changed)[:2] == [
        "archived data_packages.all", "archived data_packages.projects",
    ]  # fmt: skip
    async with db.reading() as reader:
        assert await windows_queries.window(reader, 1, "listener", "say") is None
    back = await applied(db, listeners=[{**SECTIONS["listeners"][1], "api_key": "Tracker"}])
    assert [str(change) for change in back.changed] == [
        "restored listeners.say (api_key: 'Other' -> 'Tracker')"
    ]


@pytest.mark.parametrize(
    ("section", "member", "fault"),
    [
        ("listeners", {"kind": "macro"}, "listeners[0].do: a macro needs actions"),
        ("listeners", {"kind": "data"}, "listeners[0].group: a data listener needs a group"),
        ("listeners", {"group": "g"}, "listeners[0].group: only a data listener has one"),
        ("listeners", {"object": "project"}, "listeners[0].object: a listener works on feedback or user"),
        ("listeners", {"api_key": "No"}, "listeners[0].api_key: there is no API key 'No'"),
        ("listeners", {"project": "no"}, "listeners[0].project: there is no project 'no'"),
        (
            "listeners",
            {"object": "user", "kind": "macro", "do": [{"add_tag": "x"}]},
            "listeners[0].do[0].add_tag: add_tag works on feedback only",
        ),
        (
            "listeners",
            {"kind": "macro", "do": [{"set_status": "Nowhere"}], "project": "Beta"},
            "listeners[0].do[0].set_status: there is no status 'Nowhere'",
        ),
        (
            "listeners",
            {"kind": "macro", "do": [{"webhook": "none"}]},
            "listeners[0].do[0].webhook: there is no webhook 'none'",
        ),
        (
            "listeners",
            {"filter": {"score": {"below": 7}}},
            "listeners[0].filter.score: no ticket has a score",
        ),
        (
            "record_lookups",
            {"object": "project", "fields": ["key"]},
            "record_lookups[0].object: a record lookup shows feedback or user",
        ),
    ],
)
async def test_names_what_is_wrong_with_a_window(
    shared: Database, section: str, member: dict[str, Any], fault: str
) -> None:
    whole: dict[str, Any] = {"key": "a", "object": "feedback", "api_key": "Tracker"}
    whole |= {"kind": "comment"} if section == "listeners" else {}
    with pytest.raises(errors.Invalid) as refused:
        await applied(shared, **{section: [whole | member]})
    assert [f"{one.where}: {one.message}" for one in refused.value.faults] == [fault]


@pytest.mark.parametrize(
    ("object", "field", "right"),
    [
        ("feedback", "title", True), ("feedback", "sla.expiry", True), ("feedback", "external.g.l", True),
        ("feedback", "titel", False), ("feedback", "external.g", False), ("feedback", "timeline", False),
        ("user", "email", True), ("user", "segments.x", True), ("user", "title", False), ("user", "segments.", False),
        ("project", "key", True), ("project", "external.g.l", False),
    ],
)  # fmt: skip
async def test_knows_the_fields_of_each_object(
    shared: Database, object: str, field: str, right: bool
) -> None:
    wanted = package(object=object, fields=[field])
    if right:
        await applied(shared, data_packages=[wanted])
        return
    with pytest.raises(errors.Invalid) as refused:
        await applied(shared, data_packages=[wanted])
    [fault] = refused.value.faults
    assert fault.where == "data_packages[0].fields[0]"
    assert f"there is no field '{field}'" in fault.message


@pytest.mark.parametrize(
    ("object", "filter"),
    [("feedback", {"titel": 1}), ("user", {"status": "New"}), ("project", {"project": "Beta"})],
)
async def test_names_a_condition_that_can_never_hold(
    shared: Database, object: str, filter: dict[str, Any]
) -> None:
    with pytest.raises(errors.Invalid) as refused:
        await applied(shared, data_packages=[package(object=object, filter=filter)])
    assert [one.where for one in refused.value.faults] == [f"data_packages[0].filter.{next(iter(filter))}"]


async def test_tells_people_apart_by_address_and_captured_values(db: Database, database_url: str) -> None:
    people = [{"email": f"{name}@example.com"} for name in ("ann", "bo", "cy")]
    projects = [BASE["projects"][0] | {"participants": people}, BASE["projects"][1]]
    who = {"object": "user", "fields": ["email", "external.crm.tier"]}
    gold = package(key="gold", **who, filter={"external.crm.tier": ["gold", 7]})
    await applied(
        db, projects=projects, data_packages=[package(**who, filter={"submitter": "ANN@example.com"}), gold]
    )
    connection = await asyncpg.connect(database_url)
    await connection.execute(
        """update contacts set external = '{"crm": {"tier": "gold"}}' where email like 'bo%'"""
    )
    await connection.execute(
        """update contacts set external = '{"crm": {"tier": 7}}' where email like 'cy%'"""
    )
    await connection.close()
    seen, shown = windows.Packages(db), {}
    async with db.reading() as reader:
        for key in ("all", "gold"):
            window = await windows_queries.window(reader, 1, "data_package", key)
            assert window is not None
            shown[key] = [[cell.text for cell in row] for row in (await seen.page(window, 1)).rows]
            for name in ("ann", "bo", "cy"):
                found = await windows.record(reader, window, f"{name}@example.com")
                assert (found is not None) == ([f"{name}@example.com"] in [row[:1] for row in shown[key]])
    assert shown == {
        "all": [["ann@example.com", ""]],
        "gold": [["bo@example.com", "gold"], ["cy@example.com", "7"]],
    }
