"""Calls of the hub's API that change something: their bodies, their idempotency keys, their log entries.

A handler of such a call is a Litestar route like any other, and hands the request to `answered`:

    @post("/things/{thing:str}/actions", status_code=200, operation_class=writes.describes(SCHEMA))
    async def act(request: Request, hub: Hub, thing: str) -> Response[ThingDocument]:
        async def work(call: Call, runner: Runner) -> Answer:
            body = await call.json_object()  # strict JSON, in this surface's words
            async def once(key: intake.Key | None) -> Answer:
                return await runner.store(call, core.THINGS, item, answer, key, status=200)
            return await runner.once(call, call.fingerprint, once)
        return await writes.answered(request, "hub_write", work)

`runner.once` is what honours `Idempotency-Key`, and `runner.store` what keeps the answer in the transaction of
the effect. A call that stores several things, or in its own way, may use `call.credential` and write as it
likes; then it has no keys.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from litestar import Request, Response
from litestar.openapi.spec import OpenAPIMediaType, Operation, RequestBody

from tellback.core import errors
from tellback.hub_api import access
from tellback.kit.answers import Answer
from tellback.kit.call import Call
from tellback.kit.endpoint import Runner
from tellback.storage.errors import StorageError

Work = Callable[[Call, Runner], Awaitable[Answer]]


async def answered(request: Request[Any, Any, Any], claim: str, work: Work) -> Response[Any]:
    """Run `work` for the bearer of a token with `claim`; what is refused is in the intake log, too."""
    runner: Runner = request.app.state["runner"]
    call = Call(runner.hub, "hub", cast(dict[str, Any], request.scope), request.receive)
    try:
        call.credential = await access.bearer(request, claim)
        answer = await work(call, runner)
    except (errors.HubError, StorageError) as fault:
        answer = await runner.refused(call, fault)
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in answer.headers}
    return Response(
        answer.body, status_code=answer.status, headers=headers, media_type=answer.media_type.decode()
    )


def describes(schema: Mapping[str, Any]) -> type[Operation]:
    """The `operation_class` of a call whose body has this JSON schema.

    The body is read by the handler: Litestar would read it before it is known who sends it, and with
    another JSON than the rest of the hub.
    """

    @dataclass
    class Described(Operation):
        def __post_init__(self) -> None:
            content = {"application/json": OpenAPIMediaType(schema=cast(Any, dict(schema)))}
            self.request_body = RequestBody(content=content, required=True)

    return Described
