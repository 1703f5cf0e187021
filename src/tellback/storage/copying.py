"""Rows for COPY, made as text a column at a time: the cheapest way into a table (PostgreSQL's manual, "COPY").

Cells are text as the server reads it; `NULL` stands for nothing. Text that others wrote goes through `escaped`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence

from tellback.storage.database import Transaction

NULL = "\\N"
#: What a row's cells are joined with.
TAB = "\t"
_PIECE = 256 * 1024
_SIGNS = (("\\", "\\\\"), ("\t", "\\t"), ("\n", "\\n"), ("\r", "\\r"))


def escaped(text: str) -> str:
    """A text as a cell."""
    for sign, instead in _SIGNS:
        if sign in text:
            text = text.replace(sign, instead)
    return text


def escaped_all(texts: Sequence[str]) -> Sequence[str]:
    """Texts as cells, most cheaply: none of them may hold U+0000, for which there is no text in PostgreSQL."""
    whole = "\x00".join(texts)
    fit = escaped(whole)
    return texts if fit is whole else fit.split("\x00")


async def copy(tx: Transaction, table: str, columns: Sequence[str], rows: Iterable[str]) -> None:
    """Put rows, each its cells joined with `TAB`, into a table. Raises what the server finds wrong with them."""
    data = "\n".join(rows).encode()
    if data:
        await tx.copy_to_table(table, source=_pieces(data), columns=columns, format="text")


async def _pieces(data: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(data), _PIECE):
        yield data[start : start + _PIECE]
