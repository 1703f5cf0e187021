"""What is known of a rating: the same, whatever order its changes came in and however often."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import reduce
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from tests.core.test_reviews_section import LOW, PAGE, applied
from tests.support import postgres as databases

from tellback.core import changes as feed
from tellback.core import intake, reviews
from tellback.core.reviews import Delivered, Delivery, rules
from tellback.core.reviews.model import Standing
from tellback.storage.database import Database
from tellback.storage.group_commit import GroupCommit

pytestmark = pytest.mark.anyio

STORIES = itertools.count(1)
START = datetime(2026, 1, 1, tzinfo=UTC)


@some.composite
def changes(draw: some.DrawFn) -> Delivered:
    """Few times and few values, so that many changes clash."""
    verb: reviews.Verb = draw(some.sampled_from(get_args(reviews.Verb)))
    at, place = START + timedelta(seconds=draw(some.integers(0, 3))), draw(some.integers(0, 1))
    if verb == "remove":
        return Delivered("s", "remove", at, place)
    rating, message = draw(some.integers(1, 5)), draw(some.sampled_from([None, "a", "b"]))
    return Delivered("s", verb, at, place, rating, None, message)


def merged(seen: list[Delivered]) -> Standing | None:
    return reduce(rules.merged, seen, None)


@given(some.lists(changes(), min_size=1, max_size=8), some.data())
def test_is_the_same_after_any_order_and_repetition(seen: list[Delivered], data: some.DataObject) -> None:
    again = data.draw(some.lists(some.sampled_from(seen), max_size=5))
    assert merged(data.draw(some.permutations(seen + again))) == merged(seen)


@given(some.lists(changes(), min_size=1, max_size=8))
def test_is_what_the_newest_says(seen: list[Delivered]) -> None:
    found = merged(seen)
    assert found is not None
    newest = max(change.at for change in seen)
    assert found.newest.at == newest
    if any(change.verb == "remove" and change.at == newest for change in seen):
        assert found.newest.verb == "remove"


@given(some.lists(changes(), min_size=1, max_size=8))
def test_tells_nothing_of_what_was_known(seen: list[Delivered]) -> None:
    found = merged(seen)
    assert found is not None
    for change in seen:
        assert rules.merged(found, change) is found


def test_keeps_the_time_of_the_add_through_edits() -> None:
    add, edit = Delivered("s", "add", START, 0, 5), Delivered("s", "edit", START + timedelta(days=1), 0, 4)
    for seen in ([add, edit], [edit, add]):
        standing = merged(seen)
        assert standing is not None
        assert rules.created_at(standing) == START


@settings(max_examples=40)
@given(some.lists(some.lists(changes(), min_size=1, max_size=3), min_size=1, max_size=5), some.data())
def test_stores_the_same_after_any_order_and_repetition_of_deliveries(
    stage: str, deliveries: list[list[Delivered]], data: some.DataObject
) -> None:
    again = data.draw(some.lists(some.sampled_from(deliveries), max_size=3))
    shuffled = data.draw(some.permutations(deliveries + again))

    async def both() -> list[tuple[Any, ...]]:
        commits = await GroupCommit.open(stage)
        try:
            return [await stored(stage, commits, one) for one in (deliveries, shuffled)]
        finally:
            await commits.close()

    first, second = databases.run(both())
    assert first == second


async def stored(
    url: str, commits: GroupCommit, deliveries: Sequence[Sequence[Delivered]]
) -> tuple[Any, ...]:
    """Deliver to a new story, and look at its row."""
    story = f"story {next(STORIES)}"
    db = await Database.open(url)
    async with db.reading() as reader:
        page = await reviews.queries.page_by_key(reader, "main")
        assert page is not None
        for one in deliveries:
            await told(commits, page, *(replace(change, story_id=story) for change in one))
        row = await reader.fetchrow(
            "select verb, at, place, added_at, rating, message from ratings where story_id = $1", story
        )
    await db.close()
    return tuple(row)


@pytest.fixture(scope="module")
def stage(postgres: databases.Cluster) -> Iterator[str]:
    """The URL of a database with a page."""
    url = databases.fresh_database(postgres)

    async def provisioned() -> None:
        db = await Database.open(url)
        await applied(db, {**PAGE, "low_rating_tickets": LOW})
        await db.close()

    databases.run(provisioned())
    yield url
    databases.drop(postgres, url)


@pytest.fixture
async def ways(database_url: str) -> Any:
    """A page, and the database in both ways."""
    db, commits = await Database.open(database_url), await GroupCommit.open(database_url)
    await applied(db, {**PAGE, "low_rating_tickets": LOW})
    async with db.reading() as reader:
        page = await reviews.queries.page_by_key(reader, "main")
    yield db, commits, page
    await commits.close()
    await db.close()


async def told(commits: GroupCommit, page: reviews.Page, *seen: Delivered) -> tuple[int, ...]:
    entry = intake.NewEntry(page.workspace.id, "r", "test", "POST", "/", None, None, 200)
    way = reviews.RECEIVE.plain
    return (await commits.write(way, intake.Submission(Delivery(page, seen), entry))).ratings


async def test_is_dirty_until_its_report_was_given_out(ways: Any) -> None:
    db, commits, page = ways
    [rating_id] = await told(commits, page, Delivered("s", "add", START, 0, 5))

    async def dirty() -> list[int]:
        async with db.reading() as reader:
            return await reviews.queries.dirty(reader, page.workspace.id)

    async with db.reading() as reader:
        seen = await reviews.queries.rating(reader, page.workspace.id, rating_id)
    assert seen is not None
    assert seen.revision > seen.reported
    # What changes between reading and clearing stays dirty.
    await told(commits, page, Delivered("s", "edit", START + timedelta(1), 0, 4))
    mark = reviews.Seen(page.workspace.id, rating_id, seen.revision)
    await commits.write(reviews.CLEAR, mark)
    assert await dirty() == [rating_id]
    await commits.write(reviews.CLEAR, reviews.Seen(page.workspace.id, rating_id, seen.revision + 1))
    assert await dirty() == []
    await commits.write(reviews.CLEAR, mark)  # an older report that comes late takes nothing back
    assert await dirty() == []
    await told(commits, page, Delivered("s", "edit", START, 0, 1))  # dropped, so nothing to report
    assert await dirty() == []
    await told(commits, page, Delivered("s", "remove", START + timedelta(2)))
    assert await dirty() == []


async def test_shows_automation_the_rating_as_it_was(ways: Any) -> None:
    db, commits, page = ways
    await told(commits, page, Delivered("before", "add", START, 0, 5))
    await db.write(lambda tx: tx.execute("update workspaces set automated = true"))
    [rating_id] = await told(
        commits, page, Delivered("s", "add", START, 0, 5, "POSITIVE", "Fine", "7", "Tova")
    )
    await told(
        commits, page, Delivered("s", "edit", START + timedelta(1), 0, 4, "POSITIVE", "Fine", "7", "Tova")
    )
    async with db.reading() as reader:
        rows = await feed.queries.after(reader, page.workspace.id, 0, 100)
    rows = [row for row in rows if row.subject_type == "rating"]
    assert [row.snapshot is None for row in rows] == [True, False, False]
    [first, second] = [row.snapshot for row in rows[1:]]
    assert first is not None
    assert second is not None
    assert (first["id"], first["rating"], second["rating"]) == (rating_id, 5, 4)
    assert first["reviewer"] == {"id": "7", "name": "Tova"}
    assert (first["page"], first["created_at"], first["removed"]) == ("main", "2026-01-01T00:00:00Z", False)


async def test_tells_each_change_once_when_many_writers_meet(ways: Any, database_url: str) -> None:
    db, commits, page = ways
    others = await GroupCommit.open(database_url)
    changes = [
        Delivered(
            f"s{story}", verb, START + timedelta(seconds=at), 0, None if verb == "remove" else 1 + at % 5
        )
        for story in range(5)
        for at in range(20)
        for verb in ("add", "edit", "remove")
    ]
    shuffled = random.Random(7).sample(changes, len(changes))  # noqa: S311 - no secrets
    mark = reviews.Seen(page.workspace.id, 1, 1)
    try:
        async with asyncio.timeout(60), asyncio.TaskGroup() as group:
            for number, change in enumerate(shuffled):
                group.create_task(told((commits, others)[number % 2], page, change, shuffled[-number]))
                if number % 10 == 0:
                    group.create_task(commits.write(reviews.CLEAR, mark))
    finally:
        await others.close()
    async with db.reading() as reader:
        rows = await reader.fetch("select id, verb, at, revision from ratings order by story_id")
        seen = await feed.queries.after(reader, page.workspace.id, 0, 10_000)
    assert [(row["verb"], row["at"]) for row in rows] == [("remove", START + timedelta(seconds=19))] * 5
    for row in rows:
        kinds = [one.kind for one in seen if (one.subject_type, one.subject_id) == ("rating", str(row["id"]))]
        assert len(kinds) == row["revision"]
        there = [kind != "rating.removed" for kind in kinds]
        # What is there is not received again, and what is gone is neither changed nor removed again.
        for before, kind, after in zip([False, *there], kinds, there, strict=False):
            assert kind in {(False, True): ["rating.received"], (True, True): ["rating.changed"]}.get(
                (before, after), ["rating.removed"]
            )
