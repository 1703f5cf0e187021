"""Running a handler: refusals in the surface's words, the intake log, and idempotency keys.

`Idempotency-Key` follows draft-ietf-httpapi-idempotency-key-header: 409 while the first request with a key
runs, 422 when the key comes again with another body, else the first answer again. Only a 2xx is kept, in the
transaction of its effect.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import structlog

from tellback.core import errors, intake
from tellback.core.hub import Hub
from tellback.kit import answers, faults
from tellback.kit.answers import Answer
from tellback.kit.call import Call
from tellback.kit.limits import Limits
from tellback.storage.errors import StorageError, Unstorable

Item = TypeVar("Item")
Result = TypeVar("Result")
Handler = Callable[[Call], Awaitable[Answer]]

LONGEST_KEY = 255
#: Query parameters that are credentials and so no part of a key's scope.
CREDENTIALS = frozenset({"apikey", "apisecret"})

log = structlog.get_logger(__name__)


class _Taken(Exception):
    """Another request with the key was first, in another process."""


@dataclass(frozen=True, slots=True)
class Runner:
    """Runs the handlers of one surface. `refusal` renders an error in the surface's words."""

    hub: Hub
    limits: Limits
    surface: str
    refusal: Callable[[errors.HubError], Answer]
    _running: set[bytes] = field(default_factory=set)

    def app(self, handler: Handler) -> Callable[[Any, Any, Any], Awaitable[None]]:
        """An ASGI application that runs one handler."""

        async def run(scope: dict[str, Any], receive: Any, send: Any) -> None:
            call = Call(self.hub, self.surface, scope, receive)
            try:
                answer = await handler(call)
            except (errors.HubError, StorageError) as fault:
                answer = await self.refused(call, fault)
            await answers.send_answer(send, answer)

        return run

    async def refused(self, call: Call, fault: errors.HubError | StorageError) -> Answer:
        """The answer to a refusal, after it is in the intake log where it can be tied to a workspace.

        A refusal that cannot be logged becomes a 503: the sender will try again, and then it is seen.
        """
        error = as_hub_error(fault)
        answer = self.refusal(error)
        if call.workspace is None or isinstance(error, errors.Unavailable):
            return answer
        try:
            await self.hub.commits.write(intake.RECORD, call.entry(answer.status, error))
        except Unstorable:  # the address itself cannot be stored; there is nothing to log it under
            return answer
        except StorageError as away:
            return self.refusal(as_hub_error(away))
        return answer

    async def store(
        self,
        call: Call,
        way: intake.Intake[Item, Result],
        item: Item,
        answer: Callable[[Result], Answer],
        key: intake.Key | None,
        status: int = 201,
    ) -> Answer:
        """Commit an item with its log entry and, under a key, with its answer; then answer.

        Raises `LoopDetected`.
        """
        call.refuse_circles()
        entry = call.entry(status)
        if key is None:
            return answer(await self.hub.commits.write(way.plain, intake.Submission(item, entry)))
        submission: intake.Submission[Item, Result] = intake.Submission(
            item, entry, key, lambda result: _kept(answer(result))
        )
        outcome = await self.hub.commits.write(way.keyed, submission)
        if isinstance(outcome, intake.Claim):
            raise _Taken
        return answer(outcome)

    async def once(
        self,
        call: Call,
        fingerprint: Callable[[], bytes],
        work: Callable[[intake.Key | None], Awaitable[Answer]],
    ) -> Answer:
        """Run `work` once for the call's idempotency key, or simply run it where there is none.

        Raises `Malformed` for a key that is none, `Conflict` while the first runs, `KeyReused`.
        """
        text = idempotency_key(call)
        if text is None or call.credential is None:
            return await work(None)
        key = intake.Key(_scope(call, text), fingerprint())
        # Before the look at who runs: repeats may run side by side.
        repeated = await self._repeated(call, key)
        if repeated is not None:
            return repeated
        if key.scope in self._running:
            raise errors.Conflict("The first request with this idempotency key is still running.")
        self._running.add(key.scope)
        try:
            return await work(key)
        except _Taken:
            repeated = await self._repeated(call, key)
            if repeated is None:
                raise errors.Conflict(
                    "The first request with this idempotency key is still running."
                ) from None
            return repeated
        finally:
            self._running.discard(key.scope)

    async def _repeated(self, call: Call, key: intake.Key) -> Answer | None:
        """The first answer again, logged as such; None when there was none."""
        assert call.credential is not None
        async with self.hub.db.reading() as reader:
            kept = await intake.queries.kept(reader, call.credential.workspace.id, key.scope)
        if kept is None:
            return None
        fingerprint, answer = kept
        if fingerprint != key.fingerprint:
            raise errors.KeyReused("This idempotency key was used with another body.")
        call.notes.hint = "Repeated: answered as the first request with this idempotency key was."
        await self.hub.commits.write(intake.RECORD, call.entry(answer.status))
        headers = [
            (name.encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers.items()
        ]
        media_type = next((value for name, value in headers if name == b"content-type"), b"")
        others = tuple((name, value) for name, value in headers if name != b"content-type")
        return Answer(answer.status, answer.body, media_type, (*others, (b"idempotent-replayed", b"true")))


def idempotency_key(call: Call) -> str | None:
    """The `Idempotency-Key` header, bare or as a structured field string (RFC 8941, section 3.3.3)."""
    text = call.header(b"idempotency-key")
    if text is None or call.method not in ("POST", "PUT", "PATCH"):
        return None
    text = text.strip()
    if len(text) >= 2 and text[0] == text[-1] == '"':
        text = text[1:-1].replace('\\"', '"').replace("\\\\", "\\")
    if not 1 <= len(text) <= LONGEST_KEY:
        raise errors.Malformed(f"The Idempotency-Key must have 1 to {LONGEST_KEY} characters.")
    return text


def as_hub_error(fault: errors.HubError | StorageError) -> errors.HubError:
    """A storage fault as callers know it."""
    if isinstance(fault, StorageError) and not isinstance(fault, Unstorable):
        log.warning("storage.unavailable", reason=str(fault))
    return faults.hub_error(fault) or errors.Unavailable()


def _scope(call: Call, text: str) -> bytes:
    assert call.credential is not None
    query = [part for name, value in call.query if name.lower() not in CREDENTIALS for part in (name, value)]
    return intake.rules.scope(
        str(call.credential.workspace.id), str(call.credential.id), call.method, call.path, text, *query
    )


def _kept(answer: Answer) -> intake.KeptAnswer:
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in answer.headers}
    return intake.KeptAnswer(
        answer.status, headers | {"content-type": answer.media_type.decode()}, answer.body
    )
