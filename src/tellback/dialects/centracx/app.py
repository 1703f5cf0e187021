"""The CentraCX dialect's routes."""

from __future__ import annotations

from tellback.core.hub import Hub
from tellback.dialects.centracx import auth
from tellback.dialects.centracx.errors import refusal
from tellback.dialects.centracx.surveys import Surveys
from tellback.kit import answers
from tellback.kit.dispatch import Surface
from tellback.kit.endpoint import Runner
from tellback.kit.front import peer_of
from tellback.kit.limits import Limits
from tellback.kit.routes import application, route


def surface(hub: Hub, limits: Limits) -> Surface:
    """Everything below /surveys."""
    runner = Runner(hub, limits, "centracx", refusal)
    surveys = Surveys.of(runner)
    app = application(
        refusal,
        [
            route("/surveys", runner.app(surveys.list)),
            route("/surveys/{survey:str}", runner.app(surveys.take)),
        ],
    )
    return Surface("centracx", ("/surveys",), _encrypted(app, runner), refusal)


def _encrypted(app: answers.App, runner: Runner) -> answers.App:
    """`app` over TLS alone: a call in the clear is refused, whatever it is (seed 002, "Security").

    `--dev` lets this machine's own calls in.
    """
    refused = runner.app(auth.in_the_clear)
    dev = runner.hub.settings.dev

    async def guard(scope: answers.Scope, receive: answers.Receive, send: answers.Send) -> None:
        peer = peer_of(scope)
        encrypted = peer.scheme == "https" or (dev and peer.loopback)
        await (app if encrypted else refused)(scope, receive, send)

    return guard
