"""The hub's own API: its routes, its OpenAPI description, its refusals as problem documents (RFC 9457)."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from typing import Any, cast

from litestar import Litestar, Request, Response, Router
from litestar.datastructures import State
from litestar.di import Provide
from litestar.exceptions import HTTPException, MethodNotAllowedException, NotFoundException
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme

import tellback
from tellback.core import changes, errors
from tellback.core.hub import Hub
from tellback.hub_api import (
    access,
    changes_api,
    configuration_api,
    deliveries_api,
    documents,
    erasure_api,
    files_api,
    imports_api,
    intake_api,
    metrics_api,
    people_api,
    ratings_api,
    responses_api,
    surveys_api,
    ticket_actions_api,
    tickets_api,
)
from tellback.kit import answers, dispatch, faults, metrics, problems
from tellback.kit.endpoint import Runner
from tellback.kit.limits import Limits

PREFIX = "/hub/v1"

_watches: weakref.WeakSet[changes.Watch] = weakref.WeakSet()

metrics.REGISTRY.gauge(
    "tellback_feed_waiting",
    "Readers of the change feed whose answers are held until there is a change.",
    lambda: sum(map(len, _watches)),
)


def surface(hub: Hub, limits: Limits) -> dispatch.Surface:
    """Everything below /hub/v1/."""
    watch = changes.Watch(hub.db)
    _watches.add(watch)
    app = cast(answers.App, application(hub, limits, watch))
    return dispatch.Surface("hub", (PREFIX,), app, refusal, drain=watch.end)


def refusal(error: errors.HubError) -> answers.Answer:
    """A problem document; with a challenge where a token is missing or falls short (RFC 6750, section 3)."""
    answer = problems.refusal(error)
    challenge = None
    if isinstance(error, access.BadToken):
        challenge = b'Bearer realm="hub", error="invalid_token"'
    elif isinstance(error, errors.Unauthenticated):
        challenge = b'Bearer realm="hub"'
    elif isinstance(error, access.InsufficientScope):
        challenge = b'Bearer realm="hub", error="insufficient_scope"'
    if challenge is None:
        return answer
    return answers.Answer(
        answer.status, answer.body, answer.media_type, (*answer.headers, (b"www-authenticate", challenge))
    )


def application(hub: Hub, limits: Limits, watch: changes.Watch) -> Litestar:
    """The routes, described at /hub/v1/openapi.json (OpenAPI 3.1)."""
    return Litestar(
        [
            Router(
                PREFIX,
                route_handlers=_with_refusals([
                    tickets_api.list_tickets, tickets_api.read_ticket, intake_api.list_intake,
                    surveys_api.list_surveys, surveys_api.list_sessions, responses_api.list_responses,
                    people_api.list_contacts, people_api.list_accounts, metrics_api.read_metrics,
                    imports_api.list_imports, imports_api.list_notes,
                    ratings_api.list_ratings, changes_api.read_changes,
                    ticket_actions_api.act, files_api.read_file,
                    configuration_api.read_configuration, configuration_api.write_configuration,
                    deliveries_api.list_deliveries, deliveries_api.read_delivery,
                    deliveries_api.replay_delivery, deliveries_api.cancel_delivery,
                    deliveries_api.replay_deliveries, deliveries_api.list_webhooks,
                    deliveries_api.list_subscriptions, deliveries_api.enable_webhook,
                    deliveries_api.enable_subscription, deliveries_api.try_webhook,
                    erasure_api.export_contact, erasure_api.erase_contact,
                ]),
                dependencies={
                    "hub": Provide(lambda: hub, sync_to_thread=False),
                    "watch": Provide(lambda: watch, sync_to_thread=False),
                },
                security=[{"access token": []}],
            )
        ],
        state=State({"hub": hub, "limits": limits, "runner": Runner(hub, limits, "hub", refusal)}),
        exception_handlers={Exception: _refused},
        openapi_config=OpenAPIConfig(
            title="tellback",
            version=tellback.__version__,
            # Litestar answers what else is below this path with a page of HTML; nothing outside PREFIX gets here.
            path="/",
            render_plugins=[JsonRenderPlugin(path=f"{PREFIX}/openapi.json")],
            components=Components(
                security_schemes={
                    "access token": SecurityScheme(
                        type="http", scheme="bearer", bearer_format="JWT",
                        description="Made by `tellback token create` or in the provisioning file.",
                    )
                }
            ),
        ),
        logging_config=None,
        debug=False,
    )  # fmt: skip


def _with_refusals(handlers: Sequence[HTTPRouteHandler]) -> list[HTTPRouteHandler]:
    """The handlers, with what any call may be refused with in their description."""
    for handler in handlers:
        writes = handler.http_methods & {"POST", "PUT", "PATCH"}
        handler.responses = {
            **documents.REFUSALS, **(documents.REFUSALS_OF_WRITES if writes else {}), **(handler.responses or {}),
        }  # fmt: skip
    return list(handlers)


def _refused(_: Request[Any, Any, Any], exception: Exception) -> Response[bytes]:
    """Every refusal in this surface's words; what nobody expected goes on to the front."""
    error = kind_of(exception)
    if error is None:
        raise exception
    answer = refusal(error)
    headers = {name.decode(): value.decode() for name, value in answer.headers}
    return Response(
        answer.body, status_code=answer.status, headers=headers, media_type=answer.media_type.decode()
    )


def kind_of(exception: Exception) -> errors.HubError | None:
    """The kind of an exception, Litestar's own included."""
    if isinstance(exception, MethodNotAllowedException):
        allow = (exception.headers or {}).get("allow", "GET")
        methods = {method.strip() for method in allow.split(",")}
        return errors.MethodNotAllowed(sorted(methods | {"HEAD"} if "GET" in methods else methods))
    if isinstance(exception, NotFoundException):
        return errors.NotFound("There is nothing at this address.")
    if isinstance(exception, HTTPException) and exception.status_code < 500:
        return errors.Malformed("The request could not be read.")
    return faults.hub_error(exception)
