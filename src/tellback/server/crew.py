"""The worker processes: started, told what to do, replaced when they end, stopped."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tellback import headstart, logs
from tellback.server import assignment, signals

#: From SIGTERM to SIGKILL for a worker; of the 10 s in all it leaves 2 for what must outlive it.
STOP_WITHIN_S = 8.0
#: A worker that lived this long did not fail at its start, and is replaced at once.
SETTLED_S = 5.0
FIRST_DELAY_S, LONGEST_DELAY_S = 0.1, 3.0


@dataclass
class _Place:
    """One worker's place: who is in it, and when the next one may be."""

    number: int
    process: subprocess.Popen[bytes]
    since: float
    failures: int = 0
    due: float | None = None


class Crew:
    """The workers."""

    def __init__(self, target: str, size: int, bell: signals.Bell) -> None:
        self._target = target
        self.size = size
        self._bell = bell
        self._places: list[_Place] = []
        self._assignment: assignment.Assignment | None = None
        self._log = logs.logger("tellback.server")

    def start(self) -> None:
        for number in range(self.size):
            self._places.append(_Place(number, headstart.worker(self._target), time.monotonic()))

    def assign(self, given: assignment.Assignment) -> None:
        """Tell every worker, and every later one, what to do."""
        self._assignment = given
        for place in self._places:
            self._tell(place)

    def anyone_ended(self) -> bool:
        return any(place.process.poll() is not None for place in self._places)

    def keep(self) -> None:
        """Replace workers that end until told to stop: at once, or ever later where they fail at their start.

        The server never gives up: the others serve on, and what a worker lacks may come back.
        """
        while not self._bell.stopping:
            now = time.monotonic()
            for place in self._places:
                self._tend(place, now)
            dues = [place.due for place in self._places if place.due is not None]
            self._bell.wait(max(0.0, min(dues) - now) if dues else None)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Whatever happens within, no worker is left at its end."""
        try:
            yield
        finally:
            self._stop()

    def _tend(self, place: _Place, now: float) -> None:
        status = place.process.poll()
        if status is None:
            return
        if place.due is None:
            settled = now - place.since >= SETTLED_S
            place.failures = 0 if settled else place.failures + 1
            delay = min(FIRST_DELAY_S * 2 ** (place.failures - 1), LONGEST_DELAY_S) if place.failures else 0.0
            place.due = now + delay
            self._log.error("worker_ended", worker=place.number, status=status, again_in_s=delay)
        if place.due <= now:
            _close_lifeline(place.process)
            place.process, place.since, place.due = headstart.worker(self._target), now, None
            self._tell(place)

    def _tell(self, place: _Place) -> None:
        if self._assignment is None or place.process.stdin is None:
            return
        told = assignment.numbered(self._assignment, place.number)
        try:
            place.process.stdin.write(told.to_line())
            place.process.stdin.flush()
        except BrokenPipeError:
            return  # it ended already, which is noticed where ends are

    def _stop(self) -> None:
        processes = [place.process for place in self._places]
        for process in processes:
            if process.poll() is None:
                process.terminate()
        deadline = time.monotonic() + STOP_WITHIN_S
        while any(process.poll() is None for process in processes):
            left = deadline - time.monotonic()
            if left <= 0 or self._bell.forced:
                break
            self._bell.wait(left)
        for process in processes:
            if process.poll() is None:
                self._log.warning("worker_killed", reason="it did not finish in time")
                process.kill()
            process.wait()
            _close_lifeline(process)


def _close_lifeline(process: subprocess.Popen[bytes]) -> None:
    if process.stdin is not None:
        try:
            process.stdin.close()
        except BrokenPipeError:
            return
