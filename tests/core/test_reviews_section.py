"""Provisioning, section `pages`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import asyncpg
import pytest

from tellback.core import errors, provisioning
from tellback.storage.database import Database

pytestmark = pytest.mark.anyio

BASE: Mapping[str, Any] = {
    "workspace": {"slug": "demo"},
    "projects": [
        {
            "key": "beta",
            "feedback_types": [
                {
                    "key": "bugs", "prefix": "BUG",
                    "statuses": [{"name": "New", "kind": "open"}],
                    "elements": [{"key": "title", "type": "text", "role": "subject"}],
                }
            ],
        }
    ],
}  # fmt: skip
LOW = {"at_most": 2, "project": "beta", "type": "bugs"}
PAGE = {"key": "main", "page_id": "123", "app_secret": "s3cret", "verify_token": "t0ken"}


async def applied(db: Database, *pages: Mapping[str, Any], prune: bool = False, **more: Any) -> Any:
    value = {**BASE, **more, "pages": list(pages)}
    return await provisioning.apply(db, provisioning.read_value(value), prune=prune)


async def faults(db: Database, *pages: Mapping[str, Any], **more: Any) -> list[str]:
    with pytest.raises(errors.Invalid) as refused:
        await applied(db, *pages, **more)
    return [f"{fault.where}: {fault.message}" for fault in refused.value.faults]


@pytest.fixture
async def db(database_url: str) -> Any:
    db = await Database.open(database_url)
    yield db
    await db.close()


async def test_shows_what_was_applied_and_applying_it_again_changes_nothing(db: Database) -> None:
    outcome = await applied(db, {**PAGE, "low_rating_tickets": LOW})
    assert [str(change) for change in outcome.changed][-1] == "created pages.main"
    assert outcome.as_json()["secrets"]["pages"] == {"main": "t0ken", "main app_secret": "s3cret"}
    async with db.reading() as reader:
        shown = await provisioning.show(reader, "demo")
    assert shown["pages"] == [{"key": "main", "page_id": "123", "low_rating_tickets": LOW}]
    again = await provisioning.apply(db, provisioning.read_value(shown))
    assert again.changed == ()


async def test_makes_a_verify_token_once(db: Database) -> None:
    given = {name: PAGE[name] for name in ("key", "page_id", "app_secret")}
    [made] = [one for one in (await applied(db, given)).secrets if one.made]
    assert (made.section, made.name, len(made.value)) == ("pages", "main", 50)
    assert (await applied(db, given)).secrets == ()


async def test_says_that_a_secret_changed_and_not_to_what(db: Database) -> None:
    await applied(db, PAGE)
    outcome = await applied(db, {**PAGE, "app_secret": "another"})
    assert [str(change) for change in outcome.changed] == ["changed pages.main (app_secret: changed)"]


async def test_archives_with_prune_and_brings_back(db: Database, database_url: str) -> None:
    await applied(db, PAGE)
    outcome = await applied(db, prune=True)
    assert [str(change) for change in outcome.changed] == ["archived pages.main"]
    async with db.reading() as reader:
        assert "pages" not in await provisioning.show(reader, "demo")
    outcome = await applied(db, {"key": "MAIN", "page_id": "123"})  # its secrets are still there
    assert [str(change) for change in outcome.changed] == ["restored pages.MAIN (key: 'main' -> 'MAIN')"]
    connection = await asyncpg.connect(database_url)
    assert await connection.fetchval("select app_secret from pages") == "s3cret"
    await connection.close()


async def test_refuses_a_key_that_another_workspace_has(db: Database) -> None:
    await applied(db, PAGE)
    said = await faults(db, {**PAGE, "key": "Main"}, workspace={"slug": "other"})
    assert said == ["pages[0].key: this key is in use already; every page of the hub needs its own"]


async def test_wants_the_apps_secret_of_a_new_page(db: Database) -> None:
    said = await faults(db, {"key": "main", "page_id": "123"})
    assert said == ["pages[0].app_secret: is required: it is the platform's, and none is stored yet"]


async def test_names_a_feedback_type_that_is_not_there(db: Database) -> None:
    said = await faults(db, {**PAGE, "low_rating_tickets": {**LOW, "type": "ideas"}})
    assert said == ["pages[0].low_rating_tickets.type: there is no feedback type 'ideas' in a project 'beta'"]
