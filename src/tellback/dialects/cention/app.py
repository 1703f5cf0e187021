"""The Cention dialect's routes."""

from __future__ import annotations

from tellback.core.hub import Hub
from tellback.dialects.cention.errands import Errands
from tellback.dialects.cention.errors import refusal
from tellback.dialects.cention.ratings import Ratings
from tellback.kit.dispatch import Surface
from tellback.kit.endpoint import Runner
from tellback.kit.limits import Limits
from tellback.kit.routes import application, route

ROOT = "/s/{workspace:str}/capi/json"


def surface(hub: Hub, limits: Limits) -> Surface:
    """Everything below /s/<workspace>/capi/json."""
    runner = Runner(hub, limits, "cention", refusal)
    errands, ratings = Errands.of(runner), Ratings(runner)
    app = application(
        refusal,
        [
            route(f"{ROOT}/c3_errand_reports/{{id:str}}", runner.app(errands.report)),
            route(f"{ROOT}/c3_dirty_errand_list", runner.app(errands.list)),
            route(f"{ROOT}/c3_dirty_errand_list/{{id:str}}", runner.app(errands.one)),
            route(f"{ROOT}/c3_dirty_facebook_ratings", runner.app(ratings.list)),
            route(f"{ROOT}/c3_facebook_ratings/{{id:str}}", runner.app(ratings.one)),
        ],
    )
    return Surface("cention", ("/s/*/capi/json",), app, refusal)
