"""SQL of satisfaction pages."""

from __future__ import annotations

import msgspec

from tellback.core.projects import Opinion, Satisfaction, display_id
from tellback.core.tickets.satisfaction_model import Page
from tellback.storage.database import Reader, Row, Transaction


async def page_by_token(reader: Reader, token: str) -> Page | None:
    """The page of an answer, in whatever workspace; None where the answer or its ticket is gone."""
    row = await reader.fetchrow(
        """
        select a.workspace_id, a.ticket_id, a.id, a.page_definition, a.opinion_text, w.name as workspace,
               ft.prefix, ft.digits, t.number
        from answers a
        join tickets t on t.workspace_id = a.workspace_id and t.id = a.ticket_id
        join feedback_types ft on ft.workspace_id = t.workspace_id and ft.id = t.type_id
        join workspaces w on w.id = a.workspace_id
        where a.page_token = $1 and a.deleted_at is null and t.deleted_at is null
        """,
        token,
    )
    return _page(row) if row else None


async def keep_opinion(tx: Transaction, page: Page, opinion: Opinion) -> bool:
    """Store what was chosen, if nothing was chosen before; whether it was stored."""
    stored = await tx.fetchval(
        """
        update answers set opinion_text = $4, opinion_value = $5, opinion_at = clock_timestamp()
        where workspace_id = $1 and ticket_id = $2 and id = $3 and opinion_at is null returning true
        """,
        page.workspace_id, page.ticket_id, page.answer_id, opinion.text, opinion.value,
    )  # fmt: skip
    return stored is True


def _page(row: Row) -> Page:
    return Page(
        workspace_id=row["workspace_id"],
        workspace=row["workspace"],
        ticket_id=row["ticket_id"],
        display_id=display_id(row["prefix"], row["digits"], row["number"]),
        answer_id=row["id"],
        question=msgspec.json.decode(row["page_definition"], type=Satisfaction),
        chosen=row["opinion_text"],
    )
