"""Who does a thing: a short text that goes into timelines and the change feed."""

from __future__ import annotations

from typing import NewType

#: For example `api key Mobile apps`, `access token bi`, `operator`.
Actor = NewType("Actor", str)

OPERATOR = Actor("operator")
