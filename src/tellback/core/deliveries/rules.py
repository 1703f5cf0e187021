"""Decisions about deliveries: when the next attempt is, and when a destination has had enough. No I/O."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from tellback.core.deliveries import hints
from tellback.core.deliveries.model import TEST, Attempt, Decision, Finished, Standing

#: ±20 %, so that what failed together does not come back together.
JITTER = 0.2
#: Unbroken failure for so long disables a destination.
PATIENCE_S = 5 * 86_400.0
#: The longest pause a receiver may ask for: a wrong date must not silence it for years.
LONGEST_WAIT_S = 86_400.0

GONE = 410
#: Answers that say "too much": the destination is slowed down, and not this delivery alone.
_SLOW_DOWN = frozenset({429, 502, 504})
_LONGEST_PAUSE_S = 60.0
_FIRST_PAUSE_S = 1.0
#: A destination free of order is tried by one call at a time, ever more rarely, from so many failures on.
_TROUBLED = 5

_LOST = "The worker that made it ended before the answer was known."


def with_lost(attempts: Sequence[Attempt]) -> list[Attempt]:
    """A delivery's attempts, in order; one whose end is not known although another followed is told of as lost."""
    last = len(attempts) - 1
    return [
        replace(one, error=_LOST, hint=hints.FAULTS["stopped"][1])
        if one.duration_ms is None and place < last
        else one
        for place, one in enumerate(attempts)
    ]


def decide(finished: Finished, standing: Standing, schedule: tuple[float, ...], chance: float) -> Decision:
    """What the outcome of an attempt means. `chance` is from 0 to 1 and spreads the next one."""
    outcome, begun = finished.outcome, finished.begun
    if outcome.interrupted:
        return Decision("waiting", begun.scheduled, 0.0, standing.failures)
    if outcome.error is None:
        return Decision("delivered", begun.scheduled + 1)
    used = begun.scheduled + 1
    if begun.event_kind == TEST:
        return Decision("failed", used, failures=standing.failures)
    failures = standing.failures + 1
    disabled = _disabled(finished, standing)
    pause = _pause(outcome.status, outcome.retry_after, failures, ordered=standing.ordered)
    if used >= len(schedule) and disabled is None:
        return Decision("failed", used, failures=failures, pause_s=pause)
    # What a disabled destination was sent last is kept for when it is enabled again.
    used = min(used, len(schedule) - 1)
    wait = schedule[used] * (1 - JITTER + 2 * JITTER * chance)
    return Decision("waiting", used, max(wait, outcome.retry_after or 0.0), failures, pause, disabled)


def _disabled(finished: Finished, standing: Standing) -> str | None:
    outcome = finished.outcome
    if outcome.status == GONE:
        return f"The receiver answered 410, Gone, to delivery {finished.begun.id}: it wants no more calls."
    if standing.failures and standing.failing_s >= PATIENCE_S:
        days = round(standing.failing_s / 86_400)
        return f"Every call has failed for {days} days. The last: {outcome.error}"
    return None


def _pause(status: int | None, retry_after: float | None, failures: int, *, ordered: bool) -> float:
    """For how long the whole destination rests."""
    asked = retry_after or 0.0
    if status in _SLOW_DOWN:
        return max(asked, _doubled(failures))
    # In order, the delivery at the front holds the queue until it is through.
    troubled = not ordered and failures >= _TROUBLED
    return max(asked, _doubled(failures - _TROUBLED)) if troubled else asked


def _doubled(times: int) -> float:
    return min(_FIRST_PAUSE_S * 2.0 ** min(times, 10), _LONGEST_PAUSE_S)


def concurrency(standing: Standing, most: int) -> int:
    """How many attempts may be begun: `most`, but one by one where the last have failed."""
    if standing.failures >= (1 if standing.ordered else _TROUBLED):
        return 1
    return most


def retry_after(value: str | None, now: datetime) -> float | None:
    """Seconds of a Retry-After header (RFC 9110, section 10.2.3): delay or date; None for anything else."""
    if value is None:
        return None
    text = value.strip()
    if re.fullmatch(r"[0-9]{1,18}", text):
        return min(float(text), LONGEST_WAIT_S)
    try:
        moment = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return min(max((moment - now).total_seconds(), 0.0), LONGEST_WAIT_S)


def verdict(status: int) -> tuple[str | None, str | None]:
    """Error and hint of an answer with this status; (None, None) is success, any 2xx."""
    if 200 <= status < 300:
        return None, None
    return f"The receiver answered {status}{hints.reason(status)}.", hints.of_status(status)
