"""Error kinds in this vendor's words: {"error": {"message"}}."""

from __future__ import annotations

from tellback.core import errors
from tellback.kit import answers, faults
from tellback.kit.answers import Answer


def refusal(error: errors.HubError) -> Answer:
    """The answer to an error."""
    body = {"error": {"message": error.message}}
    return answers.of_json(faults.status_of(error), body, faults.headers_of(error))
