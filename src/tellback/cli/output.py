"""What commands print: tables on a terminal, plain lines elsewhere, JSON where it was asked for."""

from __future__ import annotations

import importlib
import os
import re
import sys
from collections.abc import Iterable, Sequence
from typing import Any

import click
import msgspec

_READER_GONE = 141  # what a shell reports for a command that SIGPIPE ended
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def line(text: str = "") -> None:
    """Print one line of standard output, at once. Ends the command when nobody reads any more."""
    try:
        sys.stdout.write(text.encode("utf-8", "backslashreplace").decode() + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise click.exceptions.Exit(_READER_GONE) from None


def note(text: str) -> None:
    """A remark for whoever watches, on standard error."""
    sys.stderr.write(f"tellback: {clean(text)}\n")
    sys.stderr.flush()


def document(value: Any) -> None:
    """One JSON document on one line."""
    line(msgspec.json.encode(value, enc_hook=str).decode())


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Rows under headings on a terminal; elsewhere one row a line, tabs between, and no headings."""
    cleaned = [[clean(cell) for cell in row] for row in rows]
    if not sys.stdout.isatty():
        for row in cleaned:
            line("\t".join(row))
        return
    # Not at the top: it takes a tenth of a second, and only a terminal needs it.
    drawing, text = importlib.import_module("rich.table"), importlib.import_module("rich.text")
    drawn = drawing.Table(*headings, box=None, pad_edge=False, header_style="bold")
    for row in cleaned:
        drawn.add_row(*(text.Text(cell) for cell in row))
    importlib.import_module("rich.console").Console().print(drawn)


def clean(text: str) -> str:
    """`text` without anything that could end a line or steer a terminal: it may have come from outside."""
    return _CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode(), text)
