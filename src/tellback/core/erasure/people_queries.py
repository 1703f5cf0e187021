"""SQL that takes a person out of contacts, sessions and responses. All rows are held by the caller."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from tellback.core.erased import ERASED
from tellback.core.erasure import rules
from tellback.core.erasure.model import Answered, Person, Sitting
from tellback.storage.database import Transaction


async def forget_contact(tx: Transaction, workspace_id: int, contact_id: int) -> bool:
    """Delete the contact, out of projects first; whether the configuration was another for it."""
    gone = await tx.fetch(
        "delete from participants where workspace_id = $1 and contact_id = $2 returning project_id",
        workspace_id, contact_id,
    )  # fmt: skip
    freed = await tx.fetch(
        """
        update external_sources set default_submitter = null
        where workspace_id = $1 and default_submitter = $2 returning id
        """,
        workspace_id, contact_id,
    )  # fmt: skip
    left = await tx.fetch(
        """
        update surveys set tickets = tickets - 'default_submitter'
        where workspace_id = $1 and (tickets ->> 'default_submitter')::bigint = $2 returning id
        """,
        workspace_id, contact_id,
    )  # fmt: skip
    await tx.execute("delete from contacts where workspace_id = $1 and id = $2", workspace_id, contact_id)
    return bool(gone or freed or left)


async def erase_sittings(tx: Transaction, workspace_id: int, sittings: Sequence[Sitting]) -> None:
    """Choices and times stay. The step rises, so that a reply that was judged before finds another session."""
    await tx.execute(
        """
        update sessions s
        set answers = new.answers::jsonb, respondent = null, metadata = '{}', step = s.step + 1
        from unnest($2::bigint[], $3::text[]) as new (number, answers)
        where s.workspace_id = $1 and s.number = new.number
        """,
        workspace_id, [one.number for one in sittings],
        [msgspec.json.encode(rules.answers(one.answers)).decode() for one in sittings],
    )  # fmt: skip


async def erase_answered(
    tx: Transaction, workspace_id: int, person: Person, answered: Sequence[Answered]
) -> None:
    """Scores, dates, choices, account, touchpoint and the copies of segments stay: figures are made of them."""
    encode = msgspec.json.encode
    await tx.execute(
        """
        update responses r
        set contact_id = null, comment = case when r.comment is not null then $5 end,
            follow_up_details = case when r.follow_up_details is not null then $5 end,
            reference = case when r.reference is not null then $5 end,
            drivers = new.drivers::jsonb, segments = new.segments::jsonb, metadata = '{}', external = '{}',
            erased_at = coalesce(r.erased_at, now())
        from unnest($2::bigint[], $3::text[], $4::text[]) as new (id, drivers, segments)
        where r.workspace_id = $1 and r.id = new.id
        """,
        workspace_id, [one.id for one in answered],
        [encode(rules.scrubbed(one.drivers)).decode() for one in answered],
        [encode(rules.segments(one.segments, person)).decode() for one in answered],
        ERASED,
    )  # fmt: skip
