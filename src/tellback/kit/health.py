"""`/healthz/live`, `/healthz/ready` and `/metrics`: what a supervisor, a load balancer and Prometheus ask."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

import msgspec

from tellback.core import errors
from tellback.kit import answers, dispatch, metrics, problems

LIVE, READY, METRICS = "/healthz/live", "/healthz/ready", "/metrics"
ANSWER_WITHIN_S = 1.0
#: A crowd of load balancers costs the database four questions a second.
REMEMBER_S = 0.25
RETRY_AFTER_S = 2

_OK = answers.Answer(200, b'{"status":"ok"}')


class Readiness:
    """Whether this process can keep its promises. `ask` returns when it can and raises when it cannot."""

    def __init__(
        self, ask: Callable[[], Awaitable[object]], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._ask = ask
        self._clock = clock
        self._reason: str | None = None
        self._known_until = -1.0
        self._one_at_a_time = asyncio.Lock()

    async def reason_against(self) -> str | None:
        """Why not, in a word fit for anyone's eyes; None when ready. Answers within `ANSWER_WITHIN_S`."""
        async with self._one_at_a_time:
            if self._clock() >= self._known_until:
                self._reason = await self._asked()
                self._known_until = self._clock() + REMEMBER_S
            return self._reason

    async def _asked(self) -> str | None:
        try:
            await asyncio.wait_for(self._ask(), ANSWER_WITHIN_S)
        except TimeoutError:
            return "the database does not answer in time"
        except Exception:  # whatever it is, it is a no; the details are for the log of who failed
            return "the database does not answer"
        return None


def surface(readiness: Readiness, registry: metrics.Registry = metrics.REGISTRY) -> dispatch.Surface:
    """The operations paths as a surface. They are never rate limited."""

    async def answer_to(path: str) -> answers.Answer:
        if path == LIVE:
            return _OK
        if path == READY:
            return _ready(await readiness.reason_against())
        if path == METRICS:
            return answers.Answer(200, registry.render(), metrics.TEXT_FORMAT)
        return problems.refusal(errors.NotFound("There is nothing at this path."))

    async def app(scope: answers.Scope, _receive: answers.Receive, send: answers.Send) -> None:
        if scope["method"] == "GET":
            answer = await answer_to(scope["path"])
        else:
            answer = problems.refusal(errors.MethodNotAllowed(("GET", "HEAD")))
        await answers.send_answer(send, answer)

    return dispatch.Surface("operations", (LIVE, READY, METRICS), app, problems.refusal, limited=False)


def _ready(reason: str | None) -> answers.Answer:
    if reason is None:
        return _OK
    body = msgspec.json.encode({"status": "unavailable", "reason": reason})
    return answers.Answer(503, body, headers=((b"retry-after", b"%d" % RETRY_AFTER_S),))
