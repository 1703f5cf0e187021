"""SQL that takes a person out of what the hub keeps of calls and events: log, feed, kept answers, rejected rows.

What is linked to the person is found by that, what only tells of them by needles: their address, their number
and the texts they wrote, as they stand in bodies.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from tellback.core.erased import ERASED, SCAN_S, like
from tellback.storage.database import Reader, Transaction

Subjects = Sequence[tuple[str, str]]

_LIKE = "like any (array(select lower(one) from unnest({}::text[]) one))"
_SUBJECTS = "(select * from unnest($2::text[], $3::text[]))"


def _split(subjects: Subjects) -> tuple[list[str], list[str]]:
    return [type for type, _ in subjects], [id for _, id in subjects]


def _patterns(needles: Sequence[str]) -> list[str]:
    return [like(one) for one in needles]


async def logged(
    reader: Reader,
    workspace_id: int,
    subjects: Subjects,
    targets: Sequence[str],
    sittings: Sequence[tuple[str, datetime, datetime]],
    times: Sequence[tuple[str, datetime]],
    needles: Sequence[str],
) -> list[int]:
    """Entries of the intake log: of calls that made these subjects, were about them, or tell of the person.

    A survey's session leaves no name in the log. Its replies are found by the moment of their transaction, and
    what was refused by having come while it was open.
    """
    rows = await reader.fetch(
        f"""
        select i.id from intake i
        where i.workspace_id = $1 and (
          (i.created_type, i.created_id) in {_SUBJECTS}
          or i.target = any($4::text[])
          or (i.target, i.at) in (select * from unnest($5::text[], $6::timestamptz[]))
          or (i.status >= 400 and exists (
            select from unnest($7::text[], $8::timestamptz[], $9::timestamptz[]) as s (survey, since, until)
            where i.target = s.survey and i.at between s.since and s.until + interval '1 day'))
          or lower(coalesce(i.body, '') || E'\\n' || coalesce(i.error, '') || E'\\n' || coalesce(i.submitter, '')
            || E'\\n' || i.unmatched::text || E'\\n' || i.endpoint) {_LIKE.format("$10")})
        order by i.id
        """,
        workspace_id, *_split(subjects), list(targets),
        [survey for survey, _ in times], [at for _, at in times],
        [survey for survey, _, _ in sittings], [since for _, since, _ in sittings],
        [until for _, _, until in sittings], _patterns(needles), timeout=SCAN_S,
    )  # fmt: skip
    return [row["id"] for row in rows]


async def erase_logged(tx: Transaction, workspace_id: int, ids: Sequence[int]) -> None:
    """Who called what, when, and what became of it stays."""
    await tx.execute(
        """
        update intake set body = case when body is not null then $3 end, error = case when error is not null then $3 end,
               submitter = case when submitter is not null then $3 end, unmatched = '[]', unmapped = '[]'
        where workspace_id = $1 and id = any($2::bigint[])
        """,
        workspace_id, list(ids), ERASED,
    )  # fmt: skip


async def erase_feed(tx: Transaction, workspace_id: int, subjects: Subjects, needles: Sequence[str]) -> None:
    """Events stay, each in its place, without the subject as it was and without texts."""
    await tx.execute(
        f"""
        update changes set snapshot = null, data = case kind
          when 'value.captured' then jsonb_set(data, '{{values}}', '{{}}')
          when 'file.added' then jsonb_set(data, '{{name}}', '"{ERASED}"') else data end
        where workspace_id = $1 and (
          (subject_type, subject_id) in {_SUBJECTS} and (snapshot is not null or kind in ('value.captured', 'file.added'))
          or lower(snapshot::text) {_LIKE.format("$4")})
        """,
        workspace_id, *_split(subjects), _patterns(needles), timeout=SCAN_S,
    )  # fmt: skip


async def erase_kept(tx: Transaction, workspace_id: int, needles: Sequence[str]) -> None:
    """Bodies of answers kept for idempotency keys. The key stays taken, so that a repetition makes nothing anew."""
    await tx.execute(
        """
        update kept_answers set body = '{}'
        where workspace_id = $1 and exists (
          select from unnest($2::text[]) one
          where position(lower(encode(convert_to(one, 'UTF8'), 'escape')) in lower(encode(body, 'escape'))) > 0)
        """,
        workspace_id, list(needles), timeout=SCAN_S,
    )  # fmt: skip


async def erase_rejects(tx: Transaction, workspace_id: int, needles: Sequence[str]) -> None:
    """Rejected rows of imports that tell of the person; that a row was rejected stays."""
    await tx.execute(
        f"""
        update import_rejects set cells = array_fill($2::text, array[cardinality(cells)]), reason = $2
        where workspace_id = $1
          and lower(array_to_string(cells, E'\\n') || E'\\n' || reason) {_LIKE.format("$3")}
        """,
        workspace_id, ERASED, _patterns(needles), timeout=SCAN_S,
    )  # fmt: skip
