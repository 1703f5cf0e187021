"""What templates see of an event, and the requests that come of it. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import msgspec

from tellback.core.automation.model import Machinery, Occasion, Origin, StoredDestination
from tellback.core.deliveries import requests
from tellback.core.deliveries.definitions import Webhook
from tellback.core.deliveries.model import NewDelivery, Request

HOP = "Tellback-Hop"


def scope(machinery: Machinery, occasion: Occasion) -> dict[str, Any]:
    """The members that tags may name (contracts: automation, "Webhook")."""
    document = dict(occasion.document)
    found: dict[str, Any] = {
        "workspace": {"slug": machinery.slug, "name": machinery.name},
        "event": {
            "kind": occasion.kind, "at": occasion.at, "actor": occasion.actor,
            "id": str(occasion.seq) if occasion.seq is not None else "",
        },
        "external": document.get("external") or {},
        occasion.subject_type: document,
    }  # fmt: skip
    if occasion.subject_type == "ticket":
        found["ticket"] = {**document, "title": document.get("subject")}
        found["contact"] = _submitter(document.get("submitter"))
    for person in ("contact", "account"):
        if isinstance(document.get(person), Mapping):
            found[person] = document[person]
        if person in occasion.concerned:
            found[person] = {**found.get(person, {}), **occasion.concerned[person]}
    project, kind = document.get("project"), document.get("type")
    if isinstance(project, str):
        found["project"] = {"key": project, "name": machinery.projects.get(project.lower(), project)}
        if isinstance(kind, str):
            name = machinery.types.get((project.lower(), kind.lower()), kind)
            found["type"] = {"key": kind, "name": name}
    return found


def _submitter(submitter: Any) -> dict[str, Any]:
    if not isinstance(submitter, Mapping):
        return {}
    return {"id": submitter.get("contact_id"), "email": submitter.get("email"), "name": submitter.get("name")}


def webhook_call(
    machinery: Machinery, occasion: Occasion, destination: StoredDestination, causes: Origin
) -> NewDelivery:
    """A webhook's request for an event; `causes` is the origin of what its answer causes. Raises `TemplateFault`."""
    assert isinstance(destination.definition, Webhook)
    rendered = requests.render_request(destination.definition, scope(machinery, occasion))
    headers = (*rendered.request.headers, (HOP, str(causes.hop + 1)))
    return _delivery(
        occasion, destination, causes, replace(rendered.request, headers=headers), rendered.warnings
    )


def subscription_call(occasion: Occasion, destination: StoredDestination) -> NewDelivery:
    """An event as Standard Webhooks send it: type, time, and the subject as of then."""
    message = {"type": occasion.kind, "timestamp": _time(occasion), "data": occasion.document}
    headers = (("Content-Type", "application/json"), (HOP, str(occasion.origin.hop + 1)))
    body = msgspec.json.encode(message).decode()
    return _delivery(
        occasion, destination, occasion.origin, Request("POST", destination.definition.url, headers, body)
    )


def _delivery(
    occasion: Occasion,
    destination: StoredDestination,
    causes: Origin,
    request: Request,
    warnings: tuple[str, ...] = (),
) -> NewDelivery:
    return NewDelivery(
        destination.id,
        occasion.kind,
        occasion.at,
        occasion.subject_type,
        occasion.subject_id,
        request,
        occasion.seq,
        warnings,
        causes.as_json(),
    )


def _time(occasion: Occasion) -> str:
    return occasion.at.isoformat().replace("+00:00", "Z")
