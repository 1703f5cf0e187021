"""SQL that takes a person out of what the hub keeps of calls and events: log, feed, kept answers, rejected rows.

What is linked to the person is found by that, what only tells of them by their address and number.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from tellback.core.erased import ERASED
from tellback.core.text_queries import SCAN_S, holds, lowered
from tellback.storage.database import Reader, Transaction

Subjects = Sequence[tuple[str, str]]

# All of an entry that may tell of somebody.
_SAID = """
  coalesce(i.body, '') || E'\\n' || coalesce(i.error, '') || E'\\n' || coalesce(i.submitter, '') || E'\\n'
  || i.unmatched::text || E'\\n' || i.endpoint
"""
_REJECTED = "array_to_string(r.cells, E'\\n') || E'\\n' || r.reason"
_SUBJECTS = "(select * from unnest($2::text[], $3::text[]))"


def _split(subjects: Subjects) -> tuple[list[str], list[str]]:
    return [type for type, _ in subjects], [id for _, id in subjects]


async def logged(
    reader: Reader,
    workspace_id: int,
    subjects: Subjects,
    targets: Sequence[str],
    sittings: Sequence[tuple[str, datetime, datetime]],
    times: Sequence[tuple[str, datetime]],
    identities: Sequence[str],
    needles: Sequence[str],
) -> list[int]:
    """Entries of the intake log: of calls that made these subjects, were about them, or tell of the person.

    A survey's session leaves no name in the log. Its replies are found by the moment of their transaction, and
    what was refused by having come while it was open. By texts alone only what made nothing is found: others may
    have written the same.
    """
    rows = await reader.fetch(
        f"""
        select i.id from intake i {lowered(_SAID)}
        where i.workspace_id = $1 and (
          (i.created_type, i.created_id) in {_SUBJECTS}
          or i.target = any($4::text[])
          or (i.target, i.at) in (select * from unnest($5::text[], $6::timestamptz[]))
          or (i.status >= 400 and exists (
            select from unnest($7::text[], $8::timestamptz[], $9::timestamptz[]) as s (survey, since, until)
            where i.target = s.survey and i.at between s.since and s.until + interval '1 day'))
          or {holds("$10")}
          or (i.created_type is null and {holds("$11")}))
        order by i.id
        """,
        workspace_id, *_split(subjects), list(targets),
        [survey for survey, _ in times], [at for _, at in times],
        [survey for survey, _, _ in sittings], [since for _, since, _ in sittings],
        [until for _, _, until in sittings], list(identities), list(needles), timeout=SCAN_S,
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


async def erase_feed(
    tx: Transaction, workspace_id: int, subjects: Subjects, identities: Sequence[str]
) -> None:
    """Events stay, each in its place, without the subject as it was and without texts."""
    await tx.execute(
        f"""
        update changes c set snapshot = null, data = case c.kind
          when 'value.captured' then jsonb_set(c.data, '{{values}}', '{{}}')
          when 'file.added' then jsonb_set(c.data, '{{name}}', '"{ERASED}"') else c.data end
        from (
          select c.seq from changes c {lowered("c.snapshot::text")}
          where c.workspace_id = $1 and (
            (c.subject_type, c.subject_id) in {_SUBJECTS}
              and (c.snapshot is not null or c.kind in ('value.captured', 'file.added'))
            or {holds("$4")})
        ) found
        where c.workspace_id = $1 and c.seq = found.seq
        """,
        workspace_id, *_split(subjects), list(identities), timeout=SCAN_S,
    )  # fmt: skip


async def erase_kept(tx: Transaction, workspace_id: int, needles: Sequence[str]) -> None:
    """Bodies of answers kept for idempotency keys. The key stays taken, so that a repetition makes nothing anew."""
    await tx.execute(
        f"""
        update kept_answers k set body = '{{}}'
        from (
          select k.scope from kept_answers k {lowered("encode(k.body, 'escape')")}
          where k.workspace_id = $1 and {holds("$2")}
        ) found
        where k.workspace_id = $1 and k.scope = found.scope
        """,
        workspace_id, [_escaped(one) for one in needles], timeout=SCAN_S,
    )  # fmt: skip


def _escaped(text: str) -> str:
    """As PostgreSQL shows bytes as text."""
    shown = (
        "\\\\" if one == 0x5C else chr(one) if 0 < one < 0x80 else f"\\{one:03o}" for one in text.encode()
    )
    return "".join(shown)


async def erase_rejects(tx: Transaction, workspace_id: int, identities: Sequence[str]) -> None:
    """Rejected rows of imports that tell of the person; that a row was rejected stays."""
    await tx.execute(
        f"""
        update import_rejects r set cells = array_fill($2::text, array[cardinality(r.cells)]), reason = $2
        from (
          select r.run_id, r.line from import_rejects r {lowered(_REJECTED)}
          where r.workspace_id = $1 and {holds("$3")}
        ) found
        where r.workspace_id = $1 and r.run_id = found.run_id and r.line = found.line
        """,
        workspace_id, ERASED, list(identities), timeout=SCAN_S,
    )  # fmt: skip
