"""SQL of lists of tickets: the ids that filters leave, a page at a time, in the order of ids.

A page should cost as much as it holds, however many tickets there are. One filter that an index holds in the order
of ids is walked there. For several filters, or one without such an index, the ids are gone through in slices: what
many tickets have is found in the first small one; what few have is soon gathered from large ones by an index.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tellback.core.tickets.model import Filter
from tellback.core.tickets.search_queries import Asked
from tellback.storage.database import Reader

_LAST = 2**63 - 1

_PROJECT = (
    "t.project_id = any(array(select id from projects where workspace_id = $1 and lower(key) = lower({})))"
)
_TYPE = (
    "t.type_id = any(array(select id from feedback_types where workspace_id = $1 and lower(key) = lower({})))"
)
_SUBMITTER = "t.submitter_id = (select id from contacts where workspace_id = $1 and email_key = lower({}))"
_ASSIGNEE = "t.assignee_id = (select id from members where workspace_id = $1 and lower(email) = lower({}))"
# {0} what the index has not come to, {1} what of it matches, {2} the question. The index holds no deleted tickets.
_WORDED = """
select s.ticket_id as id from ticket_search s
where s.workspace_id = $1 and s.ticket_id > $3 and s.ticket_id <= $4
  and s.document @@ {2}::text::tsquery and s.ticket_id <> all({0}::bigint[])
union all
select m.id from unnest({1}::bigint[]) as m (id) where m.id > $3 and m.id <= $4"""

# Every kind and status that tickets of some types have: each found by one look into the index.
_STANDINGS = """
with recursive standing (type_id, status) as (
  select ft.id, (select t.status from tickets t where t.workspace_id = $1 and t.type_id = ft.id
                 and t.deleted_at is null order by t.status limit 1)
  from feedback_types ft join projects p on p.workspace_id = ft.workspace_id and p.id = ft.project_id
  where ft.workspace_id = $1 and ($2::text is null or lower(p.key) = lower($2))
    and ($3::text is null or lower(ft.key) = lower($3))
  union all
  select s.type_id, (select t.status from tickets t where t.workspace_id = $1 and t.type_id = s.type_id
                     and t.deleted_at is null and t.status > s.status order by t.status limit 1)
  from standing s where s.status is not null
)
select found.id from standing s cross join lateral (
  select t.id from tickets t
  where t.workspace_id = $1 and t.deleted_at is null
    and (t.type_id, t.status, t.id) > (s.type_id, s.status, $5::bigint)
    and (t.type_id, t.status, t.id) < (s.type_id, s.status, $7::bigint)
  order by t.type_id, t.status, t.id limit $6
) found
where $4::text is null or s.status = $4
order by found.id limit $6
"""


async def of_standing(
    reader: Reader,
    workspace_id: int,
    project: str | None,
    type: str | None,
    status: str | None,
    after: int,
    limit: int,
) -> list[int]:
    """Tickets of a project, type or status."""
    rows = await reader.fetch(_STANDINGS, workspace_id, project, type, status, after, limit, _LAST)
    return [row["id"] for row in rows]


class Question:
    """The conditions of a filter with their arguments; $1 is the workspace, $2 how many ids are wanted,
    $3 and $4 what they are above and up to."""

    def __init__(self, workspace_id: int, wanted: Filter, asked: Asked | None) -> None:
        self._arguments: list[Any] = [workspace_id, None, None, None]
        self._conditions: list[str] = []
        for condition, value in (
            (_PROJECT, wanted.project), (_TYPE, wanted.type), ("t.status = {}", wanted.status),
            (_SUBMITTER, wanted.submitter), (_ASSIGNEE, wanted.assignee),
            ("t.tags <> '{{}}' and t.tags @> array[{}::text]", wanted.tag),
            ("t.changed_at >= {}", wanted.changed_since),
        ):  # fmt: skip
            if value is not None:
                self._conditions.append(condition.format(self._argument(value)))
        self._worded: list[str] = []
        if asked is not None:
            self._worded = [self._argument(of) for of in (asked.unread, asked.matching, asked.question)]

    async def within(self, reader: Reader, after: int, up_to: int, limit: int) -> list[int]:
        """What matches above id `after`, up to `up_to`; to be asked in `planned_anew`.

        The plan is one for all of the slice: for a short page, the planner would walk the tickets in order,
        however rare what it looks for.
        """
        self._arguments[1:4] = limit, after, up_to
        rows = await reader.fetch(
            f"with found as materialized ({self._slice()}) select id from found order by id limit $2",
            *self._arguments,
        )
        return [row["id"] for row in rows]

    def _slice(self) -> str:
        worded = _WORDED.format(*self._worded) if self._worded else None
        if worded is not None and not self._conditions:
            return worded
        conditions = ["t.deleted_at is null", *self._conditions]
        if worded is not None:
            conditions.append(f"t.id in ({worded})")
        return f"""
            select t.id from tickets t where t.workspace_id = $1 and t.id > $3 and t.id <= $4
              and {" and ".join(conditions)}
            """

    def _argument(self, value: Any) -> str:
        self._arguments.append(value)
        return f"${len(self._arguments)}"


@asynccontextmanager
async def planned_anew(reader: Reader) -> AsyncIterator[None]:
    """Within, every statement is planned for its arguments: no plan is good for rare and for common words."""
    async with reader.transaction(readonly=True):
        await reader.execute("set local plan_cache_mode = force_custom_plan")
        yield


async def newest(reader: Reader, workspace_id: int) -> int:
    """The highest id a ticket has; 0 for none."""
    found: int | None = await reader.fetchval(
        "select id from tickets where workspace_id = $1 order by id desc limit 1", workspace_id
    )
    return found or 0


async def of_person(
    reader: Reader, workspace_id: int, column: str, person_id: int, after: int, limit: int
) -> list[int]:
    """Tickets whose `column` (submitter_id, assignee_id) is a person.

    Rows are compared, not columns, so that one index alone gives the order.
    """
    rows = await reader.fetch(
        f"""
        select t.id from tickets t
        where t.workspace_id = $1 and t.{column} is not null and t.deleted_at is null
          and (t.{column}, t.id) > ($2, $3::bigint) and (t.{column}, t.id) < ($2, $5::bigint)
        order by t.{column}, t.id limit $4
        """,
        workspace_id, person_id, after, limit, _LAST,
    )  # fmt: skip
    return [row["id"] for row in rows]


async def in_order(reader: Reader, workspace_id: int, after: int, limit: int) -> list[int]:
    """Tickets, whatever they are."""
    rows = await reader.fetch(
        """
        select t.id from tickets t where t.workspace_id = $1 and t.id > $2 and t.deleted_at is null
        order by t.id limit $3
        """,
        workspace_id, after, limit,
    )  # fmt: skip
    return [row["id"] for row in rows]


async def submitter(reader: Reader, workspace_id: int, email: str) -> int | None:
    """The contact with an e-mail address."""
    found: int | None = await reader.fetchval(
        "select id from contacts where workspace_id = $1 and email_key = lower($2)", workspace_id, email
    )
    return found


async def assignee(reader: Reader, workspace_id: int, email: str) -> int | None:
    """The member with an e-mail address."""
    found: int | None = await reader.fetchval(
        "select id from members where workspace_id = $1 and lower(email) = lower($2)", workspace_id, email
    )
    return found
