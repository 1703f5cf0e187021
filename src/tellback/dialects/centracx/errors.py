"""Error kinds as this vendor's statuses and bodies: {"status", "message"}."""

from __future__ import annotations

from tellback.core import errors
from tellback.kit import answers, faults
from tellback.kit.answers import Answer

# Seed 002 knows one 401, "Unauthorized", whatever is wrong: it tells a stranger nothing.
UNAUTHORIZED = "Unauthorized"


def refusal(error: errors.HubError) -> Answer:
    """The answer to an error. A value that cannot be taken is a bad request here; the vendor knows no 422 for it."""
    code = 400 if isinstance(error, errors.Invalid) else faults.status_of(error)
    message = UNAUTHORIZED if code == 401 else error.message
    if isinstance(error, errors.Invalid):
        message = " ".join(fault.message for fault in error.faults)
    return answers.of_json(code, {"status": code, "message": message}, faults.headers_of(error))
