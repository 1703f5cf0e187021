"""Rate limits."""

from __future__ import annotations

from pathlib import Path

import pytest

from tellback import settings
from tellback.core import errors
from tellback.kit import faults, limits


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def granted(limiter: limits.Limiter, key: str, attempts: int) -> int:
    """How many of `attempts` at once are let through."""
    count = 0
    for _ in range(attempts):
        try:
            limiter.check(key)
        except errors.RateLimited:
            continue
        count += 1
    return count


def test_grants_the_rate_and_no_more() -> None:
    assert granted(limits.Limiter(settings.Rate(10, 60), clock=Clock()), "ann", 50) == 10


def test_grants_again_as_time_goes_by() -> None:
    clock = Clock()
    limiter = limits.Limiter(settings.Rate(10, 60), clock=clock)
    granted(limiter, "ann", 50)
    clock.now += 12
    assert granted(limiter, "ann", 50) == 2
    clock.now += 600
    assert granted(limiter, "ann", 50) == 10


def test_says_when_to_come_back_and_means_it() -> None:
    clock = Clock()
    limiter = limits.Limiter(settings.Rate(10, 60), clock=clock)
    granted(limiter, "ann", 10)
    with pytest.raises(errors.RateLimited) as caught:
        limiter.check("ann")
    assert (caught.value.retry_after, caught.value.limit, caught.value.window) == (6, 10, 60)
    clock.now += caught.value.retry_after
    limiter.check("ann")


def test_keeps_keys_apart() -> None:
    limiter = limits.Limiter(settings.Rate(1, 60), clock=Clock())
    limiter.check("ann")
    limiter.check("bo")


@pytest.mark.parametrize("workers", [2, 3, 4])
def test_grants_each_worker_its_share(workers: int) -> None:
    limiter = limits.Limiter(settings.Rate(12, 60), workers=workers, clock=Clock())
    assert granted(limiter, "ann", 50) == 12 // workers


def test_forgets_the_key_unused_for_longest_when_it_holds_too_many() -> None:
    limiter = limits.Limiter(settings.Rate(1, 60), keys=2, clock=Clock())
    for key in ("ann", "bo", "cleo"):
        limiter.check(key)
    limiter.check("ann")
    with pytest.raises(errors.RateLimited):
        limiter.check("cleo")


def test_lets_this_machine_itself_pass_unless_asked_not_to() -> None:
    rate = settings.Rate(1, 60)
    lenient = limits.Limits(settings.Settings(data=Path("/d"), address_rate=rate, credential_rate=rate))
    for _ in range(3):
        lenient.check_address("127.0.0.1", loopback=True)
        lenient.check_credential("key:1", loopback=True)
    strict = limits.Limits(settings.Settings(data=Path("/d"), address_rate=rate, limit_loopback=True))
    strict.check_address("127.0.0.1", loopback=True)
    with pytest.raises(errors.RateLimited):
        strict.check_address("127.0.0.1", loopback=True)


def test_is_off_where_the_rate_is_none() -> None:
    off = limits.Limits(settings.Settings(data=Path("/d"), address_rate=None, credential_rate=None))
    for _ in range(10_000):
        off.check_address("192.0.2.7", loopback=False)
        off.check_credential("key:1", loopback=False)


def test_tells_a_client_in_the_headers_of_the_draft() -> None:
    assert dict(faults.headers_of(errors.RateLimited(30, 600, 60))) == {
        b"retry-after": b"30",
        b"ratelimit": b'"default";r=0;t=30',
        b"ratelimit-policy": b'"default";q=600;w=60',
    }
