"""Columns of many rows as arrays, which one statement takes apart again with `unnest`."""

from __future__ import annotations

from typing import TypeVar

Value = TypeVar("Value")


def sparse(column: list[Value | None]) -> list[Value | None]:
    """The column, or an empty one where all is null: `unnest` fills up the shorter of several arrays with nulls.

    The driver looks at every element of an array, so what is empty for all rows had better not be sent.
    """
    return [] if column.count(None) == len(column) else column
