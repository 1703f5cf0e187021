"""The CustomerGauge dialect's routes."""

from __future__ import annotations

from litestar.handlers import ASGIRouteHandler

from tellback.core.hub import Hub
from tellback.dialects.customergauge import token
from tellback.dialects.customergauge.errors import refusal
from tellback.dialects.customergauge.records import Records
from tellback.dialects.customergauge.responses import Responses
from tellback.kit.dispatch import Surface
from tellback.kit.endpoint import Runner
from tellback.kit.limits import Limits
from tellback.kit.routes import application, route


def routes(runner: Runner) -> list[ASGIRouteHandler]:
    """The handlers below /records, /v6/rest and /hooks."""
    records = Records(runner)
    return [
        route("/records", runner.app(records.put)),
        route("/hooks/{token:str}", runner.app(records.take)),
        route("/v6/rest/responses", runner.app(Responses(runner).list)),
    ]


def surfaces(hub: Hub, limits: Limits) -> list[Surface]:
    """Tokens at /oauth2/token in the words of RFC 6749; everything else in the vendor's."""
    app = application(refusal, routes(Runner(hub, limits, "customergauge", refusal)))
    tokens = application(token.refusal, [route("/oauth2/token", token.Tokens(hub, limits).app())])
    return [
        Surface("customergauge", ("/records", "/v6/rest", "/hooks"), app, refusal),
        Surface("customergauge tokens", ("/oauth2/token",), tokens, token.refusal),
    ]
