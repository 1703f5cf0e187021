"""The Meta dialect's route."""

from __future__ import annotations

from tellback.core.hub import Hub
from tellback.dialects.meta.errors import refusal
from tellback.dialects.meta.pages import Pages
from tellback.kit.dispatch import Surface
from tellback.kit.endpoint import Runner
from tellback.kit.limits import Limits
from tellback.kit.routes import application, route


def surface(hub: Hub, limits: Limits) -> Surface:
    """Everything below /meta/."""
    runner = Runner(hub, limits, "meta", refusal)
    app = application(refusal, [route("/meta/{page:str}", runner.app(Pages(runner).answer))])
    return Surface("meta", ("/meta",), app, refusal)
