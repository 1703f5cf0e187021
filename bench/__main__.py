"""`python -m bench`: everything side by side in one run, a table at the end, bench/results.md.

    --quick           one short round of everything: does the bench itself work? (a few minutes)
    --only b,d        these parts alone
    --seconds, --rounds   how long and how often each contestant is measured
    --keep            write bench/results.md although parts are left out; it names them

A run that is quick or partial is otherwise written to .bench/results.md.
Ends with 1 when a part could not be measured; a missed target is a result, not a failure.
"""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from bench import (
    bulk,
    ceiling,
    deliveries,
    figures,
    growth,
    intake,
    machine,
    peers,
    records,
    reports,
    rounds,
    startup,
    surveys,
    table,
    upload,
)
from bench.processes import ROOT


@dataclass(frozen=True)
class Part:
    letter: str
    name: str
    measure: Callable[[rounds.Settings], table.Section]
    #: minutes after which the part is given up
    limit: float


PARTS = (
    Part("0", "ceiling", ceiling.measure, 10),
    Part("a", "intake", intake.measure, 40),
    Part("b", "peers", peers.measure, 40),
    Part("c", "upload", upload.measure, 15),
    Part("d", "startup", startup.measure, 10),
    Part("e", "growth", growth.measure, 40),
    Part("f", "figures", figures.measure, 40),
    Part("g", "surveys", surveys.measure, 30),
    Part("h", "records", records.measure, 15),
    Part("i", "import", bulk.measure, 60),
    Part("j", "reports", reports.measure, 60),
    Part("k", "deliveries", deliveries.measure, 30),
)


def main() -> int:
    options = read_options()
    chosen = [part for part in PARTS if not options.only or {part.letter, part.name} & set(options.only)]
    signal.signal(signal.SIGTERM, ended)
    left_out = [f"({part.letter}) {part.name}" for part in PARTS if part not in chosen]
    partial = (options.quick or bool(left_out)) and not options.keep
    results = ROOT / (".bench" if partial else "bench") / "results.md"
    results.parent.mkdir(exist_ok=True)
    sections: list[table.Section] = []
    with temporary_folder(options.temp) as temp:
        settings = rounds.Settings(options.seconds, options.rounds, options.quick, temp)
        facts = machine.facts(temp)
        facts.append(("a round", f"{settings.rounds} of {settings.seconds:g} s each, interleaved"))
        if left_out:
            facts.append(("not measured in this run", ", ".join(left_out)))
        for part in chosen:
            sections.append(measured(part, settings))
            results.write_text(table.markdown(sections, facts))  # a run that is cut short keeps what it has
    print(table.terminal(sections))
    print(f"\nwritten to {results.relative_to(ROOT)}")
    return 1 if any(section.failed for section in sections) else 0


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure, side by side in one run.")
    parser.add_argument("--quick", action="store_true", help="one short round of everything")
    parser.add_argument("--only", type=lambda text: text.split(","), metavar="a,b", help="these parts alone")
    parser.add_argument(
        "--keep", action="store_true", help="write bench/results.md although parts are left out"
    )
    parser.add_argument("--seconds", type=float, help="measured seconds a round (5, quick: 1)")
    parser.add_argument("--rounds", type=int, help="rounds (3, quick: 1)")
    parser.add_argument(
        "--temp", type=Path, help="where the temporary folder is made: the disk that is measured"
    )
    options = parser.parse_args()
    options.seconds = options.seconds or (1.0 if options.quick else 5.0)
    options.rounds = options.rounds or (1 if options.quick else 3)
    known = {word for part in PARTS for word in (part.letter, part.name)}
    if unknown := set(options.only or ()) - known:
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    return options


def ended(number: int, _frame: FrameType | None) -> None:
    """A termination unwinds like Ctrl-C does, so that everything started is stopped."""
    raise SystemExit(128 + number)


@contextmanager
def temporary_folder(within: Path | None) -> Iterator[Path]:
    """Holds all data of the run. Passable for others, because as root databases run as another user."""
    folder = Path(tempfile.mkdtemp(prefix="tellback-bench-", dir=within))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def measured(part: Part, settings: rounds.Settings) -> table.Section:
    """The part's section; a part that goes wrong becomes a failed section, and the run goes on."""
    print(f"({part.letter}) {part.name}", flush=True)
    started = time.monotonic()
    try:
        with time_limit(part.limit * 60):
            section = part.measure(settings)
    except Exception as error:  # whatever it is, the other parts are still worth measuring
        traceback.print_exc()
        section = table.Section(f"{part.name}", failed=f"{type(error).__name__}: {error}")
    section.title = f"({part.letter}) {section.title}"
    print(f"  took {time.monotonic() - started:.0f} s", flush=True)
    return section


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raises `TimeoutError` in the block after so many seconds."""

    def over(_number: int, _frame: FrameType | None) -> None:
        raise TimeoutError(f"not measured within {seconds / 60:.0f} minutes")

    before = signal.signal(signal.SIGALRM, over)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


if __name__ == "__main__":
    sys.exit(main())
