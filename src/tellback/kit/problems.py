"""RFC 9457 problem details: the words of the hub's own API, the operations paths and no surface at all."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import msgspec

from tellback.core import errors
from tellback.kit import answers, faults


def refusal(error: errors.HubError) -> answers.Answer:
    """`error` as `application/problem+json`; every fault of an `Invalid` is listed under `errors`."""
    status = faults.status_of(error)
    problem: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": error.message,
    }
    if isinstance(error, errors.Invalid):
        problem["errors"] = [{"where": fault.where, "detail": fault.message} for fault in error.faults]
    return answers.Answer(status, msgspec.json.encode(problem), answers.PROBLEM, faults.headers_of(error))
