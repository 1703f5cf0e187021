"""Faults as people read them: one line each, and never a traceback for what was to be expected."""

from __future__ import annotations

import click

from tellback.cli import output
from tellback.core import errors
from tellback.storage.errors import StorageError

EXPECTED = (click.ClickException, errors.HubError, StorageError, OSError)


class Refused(click.ClickException):
    """What was asked for cannot be done; the text says why, and what to do."""


def lines(error: Exception) -> list[str]:
    """What to print for one of `EXPECTED`."""
    if isinstance(error, errors.Invalid):
        return [output.clean(_said(fault)) for fault in error.faults]
    return [f"tellback: {_one_line(_words(error))}"]


def _said(fault: errors.Fault) -> str:
    # Faults of a file say themselves where they are.
    return f"tellback: {fault.where}: {fault.message}" if type(fault) is errors.Fault else str(fault)


def _one_line(text: str) -> str:
    return output.clean(" ".join(text.split()))


def _words(error: Exception) -> str:
    if isinstance(error, click.UsageError):
        help_at = f" (see {error.ctx.command_path} --help)" if error.ctx else ""
        return error.format_message() + help_at
    if isinstance(error, click.ClickException):
        return error.format_message()
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return str(error) or type(error).__name__
