"""The Centercode dialect's routes."""

from __future__ import annotations

from tellback.core.hub import Hub
from tellback.dialects.centercode.errors import refusal
from tellback.dialects.centercode.feedback import Feedback
from tellback.dialects.centercode.uploads import Uploads
from tellback.kit.dispatch import Surface
from tellback.kit.endpoint import Runner
from tellback.kit.limits import Limits
from tellback.kit.routes import application, route

PROJECT = "/api/v1/projects/{project:str}"
FILES = "feedbackTypes/{source:str}/{feedback:str}/fileElements/{parameter:str}"


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
        ],
    )
    return Surface("centercode", ("/api/v1",), app, refusal)
