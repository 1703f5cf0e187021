"""Rate limits by GCRA, the leaky bucket as a meter (ITU-T I.371), in memory and per process.

Each worker grants its share of the rate, so that all of them together grant the whole. Nothing is shared and
nothing is stored: a limit protects the hub from a flood, it is not an account that must balance.
"""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable

from tellback import settings
from tellback.core import errors

#: The keys remembered; the one unused for longest is forgotten, which can only be generous.
KEYS = 50_000


class Limiter:
    """One limit for many keys (credentials, addresses)."""

    def __init__(
        self,
        rate: settings.Rate,
        *,
        workers: int = 1,
        keys: int = KEYS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        share = max(1.0, rate.limit / workers)
        self._rate = rate
        self._interval = rate.window / share
        self._keys = keys
        self._clock = clock
        #: When each key's bucket will be empty again ("theoretical arrival time").
        self._empty_at: OrderedDict[str, float] = OrderedDict()

    def check(self, key: str) -> None:
        """Count one request of `key`. Raises `errors.RateLimited`; a refused request is not counted."""
        now = self._clock()
        empty_at = max(self._empty_at.pop(key, now), now) + self._interval
        wait = empty_at - now - self._rate.window
        # Sums of intervals are not exact; a millionth of a second is no excess.
        if wait > 1e-6:
            self._empty_at[key] = empty_at - self._interval
            raise errors.RateLimited(max(1, math.ceil(wait)), self._rate.limit, self._rate.window)
        self._empty_at[key] = empty_at
        if len(self._empty_at) > self._keys:
            self._empty_at.popitem(last=False)


class Limits:
    """The limits of one process: surfaces ask per credential once they know it, the front per address.

    Requests from this machine itself are free unless `limit_loopback`.
    """

    def __init__(self, config: settings.Settings) -> None:
        self._credential = _limiter(config.credential_rate, config.workers)
        self._address = _limiter(config.address_rate, config.workers)
        self._loopback = config.limit_loopback

    def check_address(self, address: str, *, loopback: bool) -> None:
        """Raises `errors.RateLimited`."""
        if self._address is not None and (self._loopback or not loopback):
            self._address.check(address)

    def check_credential(self, credential: str, *, loopback: bool) -> None:
        """`credential` is its id (never its secret), made unique by its kind. Raises `errors.RateLimited`."""
        if self._credential is not None and (self._loopback or not loopback):
            self._credential.check(credential)


def _limiter(rate: settings.Rate | None, workers: int) -> Limiter | None:
    return None if rate is None else Limiter(rate, workers=workers)
