"""Rounds: every contestant in turn, several times over, and the medians.

Interleaved (A B C A B C ...), because a shared machine changes under a run: what slows one slows the next.
"""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench import load, table


@dataclass(frozen=True)
class Settings:
    """How long and how often is measured; `temp` is where everything goes and what is removed at the end."""

    seconds: float
    rounds: int
    quick: bool
    temp: Path


@dataclass(frozen=True)
class Contestant:
    """A server under load: where it listens, what is sent, and what it has to answer.

    With a `conversation` in place of requests, rates count whole ones, and times are those of its replies.
    """

    name: str
    port: int
    requests: Sequence[bytes]
    expect: int = 201
    conversation: load.Conversation | None = None


@dataclass(frozen=True)
class Median:
    """The medians over the rounds (milliseconds, requests a second) and the faults of all of them."""

    rate: float
    p50: float
    p95: float
    p99: float
    busy: float
    faults: dict[str, int]
    rates: tuple[float, ...]

    def cells(self) -> tuple[str, ...]:
        """Under `COLUMNS`."""
        faults = ", ".join(f"{count} x {kind}" for kind, count in sorted(self.faults.items()))
        return (
            *(table.number(figure) for figure in (self.rate, self.p50, self.p95, self.p99)),
            faults or "0",
        )


COLUMNS = ("requests/s", "p50 ms", "p95 ms", "p99 ms", "faults")


def of(outcomes: Sequence[load.Outcome]) -> Median:
    faults: Counter[str] = Counter()
    for outcome in outcomes:
        faults.update(outcome.faults)
    return Median(
        rate=statistics.median(outcome.rate for outcome in outcomes),
        p50=statistics.median(outcome.p50 for outcome in outcomes),
        p95=statistics.median(outcome.p95 for outcome in outcomes),
        p99=statistics.median(outcome.p99 for outcome in outcomes),
        busy=statistics.median(outcome.busy for outcome in outcomes),
        faults=dict(faults),
        rates=tuple(outcome.rate for outcome in outcomes),
    )


def interleaved(
    settings: Settings, contestants: Sequence[Contestant], clients: int, *, say: Callable[[str], None] = print
) -> dict[str, Median]:
    """Every contestant under `clients` connections, `rounds` times in turn; by name."""
    found: dict[str, list[load.Outcome]] = {contestant.name: [] for contestant in contestants}
    for number in range(1, settings.rounds + 1):
        for contestant in contestants:
            outcome = load.run(
                load.Load(
                    port=contestant.port,
                    requests=contestant.requests,
                    connections=clients,
                    seconds=settings.seconds,
                    warm_up=min(1.0, settings.seconds / 3),
                    expect=contestant.expect,
                    conversation=contestant.conversation,
                )
            )
            found[contestant.name].append(outcome)
            under = table.counted(clients, "client")
            say(f"    round {number}, {under}, {contestant.name}: {table.number(outcome.rate)}/s")
    return {name: of(outcomes) for name, outcomes in found.items()}


def ratio(ours: Median, theirs: Median) -> float:
    """Our rate over theirs: the median over the rounds, each compared within itself.

    Not a number when they answered nothing in a round.
    """
    if not all(theirs.rates):
        return float("nan")
    return statistics.median(mine / other for mine, other in zip(ours.rates, theirs.rates, strict=True))
