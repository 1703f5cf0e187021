"""SQL that takes what is a person's out of queues and captured values."""

from __future__ import annotations

from collections.abc import Sequence

from tellback.core.erased import ERASED
from tellback.core.text_queries import SCAN_S, holds, lowered
from tellback.storage.database import Reader, Transaction

Subjects = Sequence[tuple[str, str]]

_SUBJECTS = "(select * from unnest($2::text[], $3::text[]))"


def _split(subjects: Subjects) -> tuple[list[str], list[str]]:
    return [type for type, _ in subjects], [id for _, id in subjects]


async def sent(reader: Reader, workspace_id: int, subjects: Subjects, identities: Sequence[str]) -> list[int]:
    """Deliveries about these (type, id), and others that hold one of these texts, or were answered with one."""
    rows = await reader.fetch(
        f"""
        with answered as (
          select a.delivery_id from attempts a {lowered("a.response_body")} where a.workspace_id = $1 and {holds("$4")}
        )
        select d.id from deliveries d {lowered("d.request::text")}
        where d.workspace_id = $1 and d.request ->> 'url' <> '{ERASED}' and (
          (d.subject_type, d.subject_id) in {_SUBJECTS} or d.id in (select delivery_id from answered) or {holds("$4")})
        order by d.id
        """,
        workspace_id, *_split(subjects), list(identities), timeout=SCAN_S,
    )  # fmt: skip
    return [row["id"] for row in rows]


async def destinations(reader: Reader, workspace_id: int, delivery_ids: Sequence[int]) -> list[int]:
    """Whose queues these deliveries stand in."""
    rows = await reader.fetch(
        "select distinct destination_id from deliveries where workspace_id = $1 and id = any($2::bigint[])",
        workspace_id, list(delivery_ids),
    )  # fmt: skip
    return sorted(row["destination_id"] for row in rows)


async def erase_sent(tx: Transaction, workspace_id: int, ids: Sequence[int]) -> None:
    """Empty requests and answers; what waits is cancelled. Where, when and with which status stays.

    The count of attempts rises, so that the outcome of one that is under way belongs to none and is not kept.
    The destinations are held by the caller.
    """
    await tx.execute(
        """
        update deliveries d
        set request = jsonb_build_object('method', d.request ->> 'method', 'url', $3::text, 'headers', '[]'::jsonb,
                                         'body', null),
            warnings = '[]', state = case d.state when 'waiting' then 'cancelled' else d.state end,
            next_attempt_at = null, finished_at = coalesce(d.finished_at, now()), attempts = d.attempts + 1
        where d.workspace_id = $1 and d.id = any($2::bigint[])
        """,
        workspace_id, list(ids), ERASED,
    )  # fmt: skip
    await tx.execute(
        """
        update attempts
        set request = jsonb_build_object('method', request ->> 'method', 'url', $3::text, 'headers', '[]'::jsonb),
            response_headers = case when response_headers is not null then '{}'::jsonb end,
            response_body = case when response_body is not null then $3 end,
            error = case when error is not null then $3 end, warnings = '[]'
        where workspace_id = $1 and delivery_id = any($2::bigint[])
        """,
        workspace_id, list(ids), ERASED,
    )  # fmt: skip


async def unsendable(reader: Reader, workspace_id: int, ids: Sequence[int]) -> set[int]:
    """Those of the deliveries whose request was erased."""
    rows = await reader.fetch(
        f"""
        select id from deliveries
        where workspace_id = $1 and id = any($2::bigint[]) and request ->> 'url' = '{ERASED}'
        """,
        workspace_id, list(ids),
    )  # fmt: skip
    return {row["id"] for row in rows}


async def erase_captured(tx: Transaction, workspace_id: int, subjects: Subjects) -> None:
    """Captured values."""
    await tx.execute(
        f"delete from captured_values where workspace_id = $1 and (subject_type, subject_id::text) in {_SUBJECTS}",
        workspace_id, *_split(subjects), timeout=SCAN_S,
    )  # fmt: skip
