"""Bodies of lookups and packages (contract automation.md, "Into the hub"). Pure."""

from __future__ import annotations

from typing import Any

from tellback.core.windows.model import Table


def table(seen: Table) -> dict[str, Any]:
    """Fields and rows of cells; a package's with where it stands among its pages."""
    body: dict[str, Any] = {}
    if seen.page is not None and seen.size and seen.total is not None:
        body["paging"] = {
            "totalPages": -(-seen.total // seen.size),
            "currentPage": seen.page,
            "resultsPerPage": seen.size,
            "totalResults": seen.total,
        }
    body["fields"] = [{"name": one.name, "dataType": one.type} for one in seen.fields]
    body["data"] = [
        [
            {
                "fieldOrdinal": ordinal,
                "dataType": cell.type,
                "computedValue": cell.text,
                "values": list(cell.values),
            }
            for ordinal, cell in enumerate(row)
        ]
        for row in seen.rows
    ]
    return body
