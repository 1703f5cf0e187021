"""What submitters think of answers: one choice an answer, and the first one counts."""

from __future__ import annotations

from collections.abc import Sequence

from tellback.core import changes, intake
from tellback.core.tickets import satisfaction_queries, work
from tellback.core.tickets.satisfaction_model import NewOpinion, Page
from tellback.core.tickets.work_model import By
from tellback.storage.database import Reader, Transaction

__all__ = ["ACTOR", "OPINE", "NewOpinion", "Page", "find_page"]

#: Who the timeline names. Whoever has the link may choose, so no person is named.
ACTOR = "the satisfaction page"


async def find_page(reader: Reader, token: str) -> Page | None:
    """The page that a token opens; None for one that opens none."""
    return await satisfaction_queries.page_by_token(reader, token)


async def _opine(
    tx: Transaction, opinions: Sequence[NewOpinion], entries: Sequence[intake.NewEntry]
) -> Sequence[bool]:
    """Whether each was stored, in the order of their tickets as everywhere."""
    stored = [False] * len(opinions)
    news: dict[int, list[changes.NewChange]] = {}
    places = sorted(
        range(len(opinions)), key=lambda n: (opinions[n].page.workspace_id, opinions[n].page.ticket_id)
    )
    for place in places:
        new = opinions[place]
        told = await work.opine(tx, new, By(ACTOR))
        stored[place] = bool(told)
        news.setdefault(new.page.workspace_id, []).extend(told)
    await intake.queries.record(tx, entries)
    for workspace_id in sorted(news):
        if news[workspace_id]:
            await changes.record(tx, workspace_id, news[workspace_id])
    return stored


#: Choices with their log entries; gives whether each was stored, which only the first of an answer is.
OPINE: intake.Intake[NewOpinion, bool] = intake.intake("opinions", _opine)
