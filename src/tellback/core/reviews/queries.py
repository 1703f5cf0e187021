"""SQL of pages and ratings."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

import msgspec

from tellback.core.projects import queries as project_queries
from tellback.core.reviews.model import (
    Delivered,
    Filter,
    Held,
    LowRatingTicket,
    Page,
    Rating,
    Seen,
    Standing,
)
from tellback.core.workspaces import Workspace
from tellback.storage.database import Reader, Row, Transaction


async def page_by_key(reader: Reader, key: str) -> Page | None:
    """The page in use with this key, in whatever workspace; keys are compared without regard to case."""
    row = await reader.fetchrow(
        """
        select p.*, w.slug, w.name as workspace_name, w.timezone
        from pages p join workspaces w on w.id = p.workspace_id
        where lower(p.key) = lower($1) and p.archived_at is null
        """,
        key,
    )
    if row is None:
        return None
    return Page(
        workspace=Workspace(row["workspace_id"], row["slug"], row["workspace_name"], row["timezone"]),
        id=row["id"],
        key=row["key"],
        page_id=row["page_id"],
        app_secret=row["app_secret"],
        verify_token_hash=row["verify_token_hash"],
        low_rating=await _low_rating(reader, row["workspace_id"], row["low_rating_tickets"]),
    )


async def _low_rating(reader: Reader, workspace_id: int, stored: str | None) -> LowRatingTicket | None:
    """What a low rating becomes; nothing once the feedback type is archived."""
    if stored is None:
        return None
    wanted = msgspec.json.decode(stored)
    project_key = await project_queries.project_key(reader, workspace_id, wanted["project_id"])
    types = await project_queries.feedback_types(reader, workspace_id, wanted["project_id"])
    if project_key is None or wanted["type_id"] not in types:
        return None
    return LowRatingTicket(wanted["at_most"], wanted["project_id"], project_key, types[wanted["type_id"]])


async def hold_many(
    tx: Transaction, stories: Collection[tuple[int, int, str]]
) -> tuple[dict[tuple[int, int, str], Held], datetime]:
    """The rows of (workspace id, page id, story id), made where there are none and locked; and the time.

    In one order everywhere, so that two batches cannot wait for each other.
    """
    ordered = sorted(stories)
    columns = [[story[column] for story in ordered] for column in range(3)]
    await tx.execute(
        """
        insert into ratings (workspace_id, page_id, story_id, verb, at, place)
        select new.*, 'remove', 'epoch', 0
        from unnest($1::bigint[], $2::bigint[], $3::text[]) as new (workspace_id, page_id, story_id)
        order by 1, 2, 3
        on conflict (workspace_id, page_id, story_id) do nothing
        """,
        *columns,
    )
    rows = await tx.fetch(
        """
        select r.*, now() as moment
        from unnest($1::bigint[], $2::bigint[], $3::text[]) with ordinality
          as k (workspace_id, page_id, story_id, n)
        join ratings r using (workspace_id, page_id, story_id)
        order by k.n for update of r
        """,
        *columns,
    )
    found = {(row["workspace_id"], row["page_id"], row["story_id"]): _held(row) for row in rows}
    return found, rows[0]["moment"]


def _held(row: Row) -> Held:
    standing = Standing(
        Delivered(
            row["story_id"], row["verb"], row["at"], row["place"], row["rating"], row["recommendation"],
            row["message"], row["reviewer_id"], row["reviewer_name"],
        ),
        row["added_at"],
    )  # fmt: skip
    return Held(row["id"], standing if row["revision"] else None, row["revision"], row["ticket_id"])


async def put_many(tx: Transaction, changed: Sequence[tuple[int, Held]]) -> None:
    """Store what is known of locked ratings, as (workspace id, rating); a new revision is a change that shows."""
    rows: list[tuple[Any, ...]] = []
    for workspace_id, held in changed:
        assert held.standing is not None
        one = held.standing.newest
        rows.append(
            (
                workspace_id, held.id, one.verb, one.at, one.place, held.standing.added_at, one.rating,
                one.recommendation, one.message, one.reviewer_id, one.reviewer_name, held.revision,
                held.ticket_id,
            )
        )  # fmt: skip
    await tx.execute(
        """
        update ratings r
        set verb = n.verb, at = n.at, place = n.place, added_at = n.added_at, rating = n.rating,
            recommendation = n.recommendation, message = n.message, reviewer_id = n.reviewer_id,
            reviewer_name = n.reviewer_name, ticket_id = n.ticket_id,
            changed_at = case when n.revision > r.revision then now() else r.changed_at end,
            revision = n.revision
        from unnest($1::bigint[], $2::bigint[], $3::text[], $4::timestamptz[], $5::int[], $6::timestamptz[],
                    $7::smallint[], $8::text[], $9::text[], $10::text[], $11::text[], $12::bigint[],
                    $13::bigint[])
          as n (workspace_id, id, verb, at, place, added_at, rating, recommendation, message, reviewer_id,
                reviewer_name, revision, ticket_id)
        where r.workspace_id = n.workspace_id and r.id = n.id
        """,
        *([row[column] for row in rows] for column in range(13)),
    )


async def automated(reader: Reader, workspace_ids: Collection[int]) -> set[int]:
    """Those of the workspaces in which something acts on what happens."""
    rows = await reader.fetch(
        "select id from workspaces where id = any($1::bigint[]) and automated", list(workspace_ids)
    )
    return {row["id"] for row in rows}


_RATING = """
select r.id, p.key as page, r.story_id, r.rating, r.recommendation, r.message, r.reviewer_id, r.reviewer_name,
       coalesce(r.added_at, r.at) as created_at, r.changed_at, r.verb = 'remove' as removed, r.revision, r.reported
from ratings r join pages p on p.workspace_id = r.workspace_id and p.id = r.page_id
"""


async def dirty(reader: Reader, workspace_id: int) -> list[int]:
    """The ids of ratings that changed since they were last reported, ascending; removed ones left out."""
    rows = await reader.fetch(
        """
        select id from ratings
        where workspace_id = $1 and revision > reported and verb <> 'remove' order by id
        """,
        workspace_id,
    )
    return [row["id"] for row in rows]


async def rating(reader: Reader, workspace_id: int, rating_id: int) -> Rating | None:
    """A rating, removed ones too."""
    row = await reader.fetchrow(f"{_RATING} where r.workspace_id = $1 and r.id = $2", workspace_id, rating_id)
    return Rating(**row) if row else None


async def search(
    reader: Reader, workspace_id: int, wanted: Filter, after: int | None, limit: int
) -> list[Rating]:
    """Ratings above id `after`, ascending."""
    conditions = ["r.workspace_id = $1"]
    arguments: list[Any] = [workspace_id]

    def where(condition: str, value: Any) -> None:
        if value is not None:
            arguments.append(value)
            conditions.append(condition.format(f"${len(arguments)}"))

    where("r.id > {}", after)
    where(
        "r.page_id = any(array(select id from pages where workspace_id = $1 and lower(key) = lower({})))",
        wanted.page,
    )
    where("(r.verb = 'remove') = {}", wanted.removed)
    arguments.append(limit)
    rows = await reader.fetch(
        f"{_RATING} where {' and '.join(conditions)} order by r.id limit ${len(arguments)}", *arguments
    )
    return [Rating(**row) for row in rows]


async def clear_many(tx: Transaction, seen: Sequence[Seen]) -> None:
    """Take the dirty mark off, up to the revision that was reported: what changed after stays dirty."""
    await tx.execute(
        """
        with latest as (
          select workspace_id, id, max(revision) as revision
          from unnest($1::bigint[], $2::bigint[], $3::bigint[]) as s (workspace_id, id, revision)
          group by workspace_id, id
        ), mine as (
          select r.workspace_id, r.id, latest.revision from latest join ratings r using (workspace_id, id)
          where r.reported < latest.revision
          order by r.workspace_id, r.page_id, r.story_id for update of r
        )
        update ratings r set reported = greatest(r.reported, mine.revision)
        from mine where r.workspace_id = mine.workspace_id and r.id = mine.id
        """,
        [one.workspace_id for one in seen],
        [one.rating_id for one in seen],
        [one.revision for one in seen],
    )
