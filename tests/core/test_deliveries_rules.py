"""What the outcome of an attempt means."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from tellback.core.deliveries import hints
from tellback.core.deliveries import rules as delivery_rules
from tellback.core.deliveries.model import Attempt, Begun, Decision, Finished, Outcome, Request, Standing

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SCHEDULE = (0.0, 5.0, 300.0)
WELL = Standing(open=True, ordered=True, failures=0, failing_s=0.0)


def finished(
    scheduled: int, status: int | None, retry_after: float | None = None, kind: str = "x"
) -> Finished:
    error = None if status == 200 else "It failed."
    begun = Begun(1, 1, 1, "msg", 1, scheduled, kind, "ticket", "1", Request("POST", "u", (), None), (), {})
    return Finished(begun, Outcome(1, (), status, error=error, retry_after=retry_after))


def decide(one: Finished, standing: Standing = WELL, chance: float = 0.5) -> Decision:
    return delivery_rules.decide(one, standing, SCHEDULE, chance)


@pytest.mark.parametrize(("chance", "wait"), [(0.0, 4.0), (0.5, 5.0), (1.0, 6.0)])
def test_spreads_the_schedule_by_a_fifth(chance: float, wait: float) -> None:
    assert decide(finished(0, 500), chance=chance).next_in_s == pytest.approx(wait)


def test_fails_for_good_at_the_end_of_the_schedule() -> None:
    assert [decide(finished(used, 500)).state for used in range(3)] == ["waiting", "waiting", "failed"]


def test_waits_longer_where_the_receiver_asks_for_it() -> None:
    assert decide(finished(0, 503, 60.0)).next_in_s == 60.0
    assert decide(finished(1, 503, 60.0)).next_in_s == 300.0


@pytest.mark.parametrize("status", [429, 502, 504])
def test_slows_the_destination_down(status: int) -> None:
    assert decide(finished(0, status)).pause_s > 0
    assert decide(finished(0, 500)).pause_s == 0


def test_counts_a_test_call_for_nothing() -> None:
    decision = decide(finished(0, 410, kind="test"))
    assert (decision.state, decision.failures, decision.disabled) == ("failed", 0, None)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120.0), (" 7 ", 7.0), ("0", 0.0), ("99999999", 86_400.0), ("-1", None), ("soon", None), ("", None),
        (None, None), (format_datetime(NOW + timedelta(seconds=90), usegmt=True), 90.0),
        (format_datetime(NOW - timedelta(days=9), usegmt=True), 0.0), ("Fri, 31 Dec 9999 23:59:59 GMT", 86_400.0),
    ],
)  # fmt: skip
def test_reads_retry_after(header: str | None, seconds: float | None) -> None:
    assert delivery_rules.retry_after(header, NOW) == seconds


@pytest.mark.parametrize("status", [*range(100, 200), *range(300, 600), 999])
def test_has_a_hint_for_every_status(status: int) -> None:
    error, hint = delivery_rules.verdict(status)
    assert str(status) in str(error)
    assert hint
    assert str(hint)[0].isupper()


def test_has_words_for_every_fault() -> None:
    assert all(words.endswith(".") and hint.endswith(".") for words, hint in hints.FAULTS.values())


def attempt(number: int, duration_ms: int | None) -> Attempt:
    return Attempt(number, NOW, duration_ms, {}, None, None, None, None, None, ())


def test_tells_of_an_attempt_as_lost_when_another_followed_it() -> None:
    lost, ended, under_way = delivery_rules.with_lost([attempt(1, None), attempt(2, 5), attempt(3, None)])
    assert (lost.error, lost.hint) == (
        "The worker that made it ended before the answer was known.", hints.FAULTS["stopped"][1],
    )  # fmt: skip
    assert (ended, under_way) == (attempt(2, 5), attempt(3, None))
