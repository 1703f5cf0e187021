"""The Centercode dialect's routes."""

from __future__ import annotations

from collections.abc import Iterator

from litestar.handlers import ASGIRouteHandler

from tellback.core.hub import Hub
from tellback.core.windows.actions import Packages
from tellback.dialects.centercode.errors import refusal
from tellback.dialects.centercode.feedback import Feedback
from tellback.dialects.centercode.uploads import Uploads
from tellback.dialects.centercode.windows import Windows
from tellback.kit.dispatch import Surface
from tellback.kit.endpoint import Runner
from tellback.kit.limits import Limits
from tellback.kit.routes import application, route

PROJECT = "/api/v1/projects/{project:str}"
FILES = "feedbackTypes/{source:str}/{feedback:str}/fileElements/{parameter:str}"
RECORD = "{window:str}/{record:str}"


def surface(hub: Hub, limits: Limits) -> Surface:
    """Everything below /api/v1/."""
    runner = Runner(hub, limits, "centercode", refusal)
    feedback, uploads = Feedback(runner), Uploads(runner)
    app = application(
        refusal,
        [
            route(f"{PROJECT}/feedback/{{source:str}}", runner.app(feedback.create)),
            route(f"{PROJECT}/feedback/{{source:str}}/{{feedback:str}}", runner.app(feedback.read)),
            route(f"{PROJECT}/{FILES}", runner.app(uploads.add)),
            route(f"/api/v1/{FILES}", runner.app(uploads.add_short)),
            *_windows(runner),
        ],
    )
    return Surface("centercode", ("/api/v1",), app, refusal)


def _windows(runner: Runner) -> Iterator[ASGIRouteHandler]:
    """Listeners, record lookups and data packages, with a project in the address and without."""
    windows = Windows(runner, Packages(runner.hub.db))
    for under in ("/api/v1", PROJECT):
        for noun in ("feedback", "user"):
            listener, lookup = windows.listener(noun), windows.lookup(noun)
            yield route(f"{under}/{noun}Listeners/{RECORD}", runner.app(listener))
            yield route(f"{under}/{noun}RecordLookups/{RECORD}", runner.app(lookup))
        for noun in ("feedback", "user", "project"):
            package = windows.package(noun)
            yield route(f"{under}/{noun}DataPackages/{{window:str}}", runner.app(package))
            # As seed 001 calls them.
            yield route(f"{under}/{noun}DataReturns/{{window:str}}", runner.app(package))
