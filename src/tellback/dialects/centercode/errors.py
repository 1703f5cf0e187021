"""Error kinds as this vendor's statuses and bodies: {"status", "description"}, and on 400 "errors"."""

from __future__ import annotations

from typing import Any

from tellback.core import errors
from tellback.kit import answers, faults
from tellback.kit.answers import Answer

# Seed 000, "Common Troubleshooting Scenario": this body, to the letter.
NOT_FOUND = "The requested resource could not be found."


def refusal(error: errors.HubError) -> Answer:
    """The answer to an error. This vendor knows no 422 for values: seed 001 calls them bad requests."""
    code = 400 if isinstance(error, errors.Invalid) else faults.status_of(error)
    body: dict[str, Any] = {"status": code, "description": NOT_FOUND if code == 404 else error.message}
    if isinstance(error, errors.Invalid):
        body["errors"] = [{"parameter": fault.where, "description": fault.message} for fault in error.faults]
    return answers.of_json(code, body, faults.headers_of(error))
