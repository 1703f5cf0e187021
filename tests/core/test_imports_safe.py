"""Cells that a spreadsheet would take for formulas, in the files that are handed out."""

from __future__ import annotations

import csv
import io

import pytest

from tellback.core.imports import tables
from tellback.core.imports.model import Reject


@pytest.mark.parametrize(
    "cell",
    [
        "=1+1", "+1+1", "-1+1", "@SUM(A1:A9)", '=HYPERLINK("https://example.com","x")', "=cmd|' /C calc'!A0",
        "\t=1+1", "\r=1+1", "-2+3+cmd|' /C calc'!A0", "+cmd", "=", "@",
    ],
)  # fmt: skip
def test_marks_what_a_spreadsheet_would_work_out_as_text(cell: str) -> None:
    assert tables.safe(cell) == f"'{cell}"


@pytest.mark.parametrize(
    "cell", ["", "-1", "+49 (30) 901-820", "-3.5", "- 4", "a=1", "mail@example.com", "'=1", " =1", "−1", "ß"]
)
def test_leaves_numbers_phones_and_words_as_they_are(cell: str) -> None:
    assert tables.safe(cell) == cell


def test_hands_rejected_rows_out_with_headings_cells_and_reasons_made_safe() -> None:
    table = tables.Table(("=name", "score"), ",", 0, 1)
    file = io.StringIO()
    tables.write_rejects(file, table, [Reject(2, ("@x", "=1", "-1+1"), "has 3 cells, and the head 2")])
    assert list(csv.reader(io.StringIO(file.getvalue()))) == [
        ["'=name", "score", tables.REASON],
        ["'@x", "'=1", "line 2: has 3 cells, and the head 2", "'-1+1"],
    ]
