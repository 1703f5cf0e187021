"""Responses: one stored thing whatever brought it, and what a session becomes when it ends."""

from tellback.core.responses import figures, metrics, queries, rules
from tellback.core.responses.actions import COMPLETE, put_away_idle
from tellback.core.responses.model import (
    Completed,
    Completion,
    Filter,
    NewResponse,
    Person,
    Response,
)

__all__ = [
    "COMPLETE",
    "Completed",
    "Completion",
    "Filter",
    "NewResponse",
    "Person",
    "Response",
    "figures",
    "metrics",
    "put_away_idle",
    "queries",
    "rules",
]
