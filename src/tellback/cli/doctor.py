"""`tellback doctor`: looks at everything a hub stands on, says what is wrong in words, and what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

import click

from tellback.cli import databases, doctor_checks, doctor_database, interrupts, options, output, serve_options
from tellback.cli.doctor_checks import Finding
from tellback.storage import embedded
from tellback.storage.errors import StorageError


@click.command()
@options.option("--host", default="127.0.0.1", show_default=True, help="Where the hub listens.")
@options.option("--port", type=click.IntRange(1, 65535), default=8080, show_default=True)
@serve_options.FILES
@options.hub
def command(place: databases.Place, as_json: bool, host: str, port: int, files: str) -> int:
    """Say what is wrong, and what to do. Ends with 0 when nothing is, with 1 otherwise; changes nothing."""
    findings = []
    for finding in _findings(place, host, port, files):
        findings.append(finding)
        if not as_json:
            output.line(finding.line())
    wrong = [finding for finding in findings if not finding.ok]
    if as_json:
        output.document({"ok": not wrong, "findings": [asdict(finding) for finding in findings]})
    else:
        output.line(f"{len(wrong)} of {len(findings)} are wrong" if wrong else "all is well")
    return 1 if wrong else 0


def _findings(place: databases.Place, host: str, port: int, files: str) -> Iterator[Finding]:
    if place.database_url is not None:
        yield from _asked(doctor_database.findings, place.database_url)
    elif not place.data.exists():
        yield Finding("data folder", True, f"{place.data} is not there yet; `tellback serve` makes it")
        yield from _asked_of_folder(doctor_checks.programs, place.data)
    elif not place.data.is_dir():
        yield Finding("data folder", False, f"{place.data} is not a folder", "Give another with --data.")
        return
    else:
        yield from doctor_checks.data_folder(place.data)
        yield from _asked_of_folder(doctor_checks.programs, place.data)
        yield from _embedded(place)
        yield from _asked_of_folder(doctor_checks.server_log, place.data)
    yield from doctor_checks.files_folder(files, place.data)
    yield doctor_checks.listening(host, port)


def _embedded(place: databases.Place) -> Iterator[Finding]:
    if not (place.data / "postgresql").exists():
        yield Finding("database", True, "there is none yet; `tellback serve` makes it")
        return
    try:
        with embedded.joined(place.data, report=output.note) as membership:
            yield from _asked(doctor_database.findings, membership.url)
    except StorageError as error:
        yield Finding("database", False, str(error), "Look into postgresql.log in the data folder.")


def _asked(ask: Callable[[str], doctor_database.Found], url: str) -> list[Finding]:
    return interrupts.run(ask(url))


def _asked_of_folder(ask: Callable[[Path], Iterator[Finding]], data: Path) -> Iterator[Finding]:
    try:
        yield from ask(data)
    except (StorageError, OSError) as error:
        yield Finding(
            "PostgreSQL", False, str(error), "See what it names; the text says what would be right."
        )
