"""Finding tickets by their words: the index kept up from the feed, and exact at once all the same."""

from __future__ import annotations

from collections.abc import Sequence

from tellback.core import changes, errors
from tellback.core.tickets import search_queries, words
from tellback.storage.database import Database, Reader, Transaction

#: As many changes may be ahead of the index before a search would rather be asked later than take seconds.
MOST_UNREAD = 20_000
#: Their texts are read so many at a time.
_PIECE = 500


async def keep_up(db: Database) -> int:
    """Index what happened since; how many changes were read. Raises `DatabaseAway`."""
    return await changes.readers.catch_up_on(db, search_queries.READER, "ticket", _index)


async def _index(tx: Transaction, workspace_id: int, ids: Sequence[int]) -> None:
    await search_queries.need_not_last(tx)
    documents = await _documents(tx, workspace_id, ids)
    await search_queries.keep(tx, workspace_id, documents)
    if len(documents) < len(ids):
        gone = set(ids).difference(id for id, _ in documents)
        await search_queries.forget(tx, workspace_id, sorted(gone))


async def ask(reader: Reader, workspace_id: int, text: str, after: int) -> search_queries.Asked:
    """What `text` asks of the tickets above id `after`.

    Raises `Malformed`; `Unavailable` while the index is far behind.
    """
    question = words.question(workspace_id, text)
    ahead = await search_queries.unread(reader, workspace_id, MOST_UNREAD + 1)
    if len(ahead) > MOST_UNREAD:
        raise errors.Unavailable("Much came in that is not indexed yet; try again.")
    unread = sorted({id for id in ahead if id > after})
    matching: list[int] = []
    for first in range(0, len(unread), _PIECE):
        documents = await _documents(reader, workspace_id, unread[first : first + _PIECE])
        matching += await search_queries.matching(reader, documents, question)
    return search_queries.Asked(question, unread, matching)


async def _documents(reader: Reader, workspace_id: int, ids: Sequence[int]) -> list[tuple[int, str]]:
    said = await search_queries.texts(reader, workspace_id, ids)
    return [(id, words.document(workspace_id, said[id])) for id in said]
