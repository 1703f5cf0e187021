"""`/hub/v1/deliveries`, `/webhooks`, `/subscriptions`: what goes out, and what can be done about it."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Request, Response, get, post
from litestar.params import Parameter

from tellback.core import deliveries, errors, intake, paging, tickets
from tellback.core.automation import orders
from tellback.core.deliveries import reading_queries as queries
from tellback.core.deliveries.model import Chosen, DestinationKind
from tellback.core.errors import Fault
from tellback.core.hub import Hub
from tellback.hub_api import access, filters, writes
from tellback.hub_api import deliveries_documents as shown
from tellback.hub_api.documents import Page
from tellback.hub_api.tickets_api import After, Limit
from tellback.kit import answers
from tellback.kit.answers import Answer
from tellback.kit.call import Call
from tellback.kit.endpoint import Runner

FILTERS = ("webhook", "subscription", "state", "since")
STATES = ("waiting", "delivered", "failed", "cancelled")

_REPLAY = {
    "type": "object",
    "properties": {
        "webhook": {"type": "string"},
        "subscription": {"type": "string"},
        "state": {"enum": ["failed", "delivered", "cancelled"]},
        "since": {"type": "string", "format": "date-time"},
    },
    "additionalProperties": False,
}
_TEST = {"type": "object", "properties": {"ticket": {"type": ["integer", "string", "null"]}}}


@get("/deliveries", summary="Deliveries, newest first")
async def list_deliveries(
    request: Request[Any, Any, Any],
    hub: Hub,
    after: After = None,
    limit: Limit = None,
    webhook: str | None = None,
    subscription: str | None = None,
    in_state: Annotated[str | None, Parameter(query="state")] = None,
    since: str | None = None,
) -> Page[shown.DeliveryDocument]:
    """With every attempt. Filters narrow the list together; `since` is when the delivery was made."""
    known = await access.bearer(request, "hub_read")
    access.only(request, *FILTERS, "after", "limit")
    place, rows = paging.place("delivery", after), paging.limit(limit)
    wanted = Chosen(
        webhook, subscription, filters.one_of("state", in_state, STATES), filters.moment("since", since)  # type: ignore[arg-type]
    )  # fmt: skip
    async with hub.db.reading() as reader:
        found = await queries.search(reader, known.workspace.id, wanted, place, rows + 1)
    more, found = len(found) > rows, found[:rows]
    return Page(
        [shown.delivery(one) for one in found], paging.cursor("delivery", found[-1].id) if more else None
    )


@get("/deliveries/{delivery:str}", summary="One delivery with its attempts")
async def read_delivery(request: Request[Any, Any, Any], hub: Hub, delivery: str) -> shown.DeliveryDocument:
    """What was sent, what came back, and what to do about it."""
    known = await access.bearer(request, "hub_read")
    async with hub.db.reading() as reader:
        return shown.delivery(await deliveries.find(reader, known.workspace.id, _number(delivery)))


@post("/deliveries/{delivery:str}/replay", summary="Send a delivery anew", status_code=202)
async def replay_delivery(request: Request[Any, Any, Any], delivery: str) -> Response[shown.DeliveryDocument]:
    """The same bytes with the same `webhook-id`, at once and past the end of its schedule."""
    return await _ordered(request, lambda: orders.Replay(_number(delivery)))


@post("/deliveries/{delivery:str}/cancel", summary="Have a delivery wait no more", status_code=200)
async def cancel_delivery(request: Request[Any, Any, Any], delivery: str) -> Response[shown.DeliveryDocument]:
    """An attempt under way is not called back."""
    return await _ordered(request, lambda: orders.Cancel(_number(delivery)), status=200)


@post(
    "/deliveries/replay",
    summary="Send many deliveries anew",
    status_code=202,
    operation_class=writes.describes(_REPLAY),
)
async def replay_deliveries(request: Request[Any, Any, Any], hub: Hub) -> Response[shown.Replayed]:
    """Those of a destination, in a state, made since a time.

    Without a state: those that failed; with `since`, all that were delivered or failed.
    """

    async def work(call: Call, runner: Runner) -> Answer:
        assert call.credential is not None
        workspace_id, wanted = call.credential.workspace.id, _chosen(await call.json_object(optional=True))

        async def once(key: intake.Key | None) -> Answer:
            # In several transactions, and the key is taken after the last: who repeats what was cut short goes on.
            count = await deliveries.replay_many(hub.db, workspace_id, wanted)
            return await runner.store(call, orders.REPLAYED, count, _replayed, key, status=202)

        return await runner.once(call, call.fingerprint, once)

    return await writes.answered(request, "hub_write", work)


@get("/webhooks", summary="Webhooks and how they stand")
async def list_webhooks(
    request: Request[Any, Any, Any], hub: Hub, after: After = None, limit: Limit = None
) -> Page[shown.WebhookDocument]:
    """A disabled one says why; its queue waits until it is enabled or changed."""
    found, next = await _destinations(request, hub, "webhook", after, limit)
    return Page([shown.webhook(one) for one in found], next)


@get("/subscriptions", summary="Subscriptions and how they stand")
async def list_subscriptions(
    request: Request[Any, Any, Any], hub: Hub, after: After = None, limit: Limit = None
) -> Page[shown.SubscriptionDocument]:
    """A disabled one says why; its queue waits until it is enabled or changed."""
    found, next = await _destinations(request, hub, "subscription", after, limit)
    return Page([shown.subscription(one) for one in found], next)


@post("/webhooks/{key:str}/enable", summary="Send to a webhook again", status_code=204)
async def enable_webhook(request: Request[Any, Any, Any], key: str) -> Response[None]:
    """What waits for it goes on at once."""
    return await _ordered(request, lambda: orders.Enable("webhook", key), status=204)


@post("/subscriptions/{key:str}/enable", summary="Send to a subscription again", status_code=204)
async def enable_subscription(request: Request[Any, Any, Any], key: str) -> Response[None]:
    """What waits for it goes on at once."""
    return await _ordered(request, lambda: orders.Enable("subscription", key), status=204)


@post(
    "/webhooks/{key:str}/test",
    summary="Try a webhook out",
    status_code=202,
    operation_class=writes.describes(_TEST),
)
async def try_webhook(
    request: Request[Any, Any, Any], hub: Hub, key: str
) -> Response[shown.DeliveryDocument]:
    """One call, for a ticket (number or display id) or with sample data; tried once, ahead of the queue."""

    async def work(call: Call, runner: Runner) -> Answer:
        assert call.credential is not None
        body = await call.json_object(optional=True)
        ticket_id = await _ticket(hub, call.credential.workspace.id, body)
        return await _store(call, runner, orders.TryOut(key, ticket_id), 202)

    return await writes.answered(request, "hub_write", work)


async def _ticket(hub: Hub, workspace_id: int, body: dict[str, Any]) -> int | None:
    unknown = [name for name in body if name != "ticket"]
    given = body.get("ticket")
    if unknown or not (given is None or (isinstance(given, int | str) and not isinstance(given, bool))):
        where = unknown[0][:100] if unknown else "ticket"
        raise errors.Invalid([Fault(where, 'The body is {"ticket": number, display id or null}.')])
    if given is None:
        return None
    async with hub.db.reading() as reader:
        found = await tickets.find(reader, workspace_id, str(given))
    if found is None:
        raise errors.NotFound("There is no such ticket.")
    return found.id


def _replayed(count: int) -> Answer:
    return answers.of_json(202, shown.Replayed(count))


async def _ordered(request: Request[Any, Any, Any], what: Any, status: int = 202) -> Response[Any]:
    async def work(call: Call, runner: Runner) -> Answer:
        await call.read_body()
        return await _store(call, runner, what(), status)

    return await writes.answered(request, "hub_write", work)


async def _store(call: Call, runner: Runner, what: Any, status: int) -> Answer:
    assert call.credential is not None
    order = orders.Order(call.credential.workspace.id, what, call.credential.name)

    def shown_as(outcome: orders.Outcome) -> Answer:
        if outcome is None:
            return Answer(status, b"")
        return answers.of_json(status, shown.delivery(outcome))

    async def once(key: intake.Key | None) -> Answer:
        return await runner.store(call, orders.OBEY, order, shown_as, key, status=status)

    return await runner.once(call, call.fingerprint, once)


async def _destinations(
    request: Request[Any, Any, Any], hub: Hub, kind: DestinationKind, after: str | None, limit: str | None
) -> tuple[list[Any], str | None]:
    known = await access.bearer(request, "hub_read")
    access.only(request, "after", "limit")
    place, rows = paging.place(kind, after), paging.limit(limit)
    async with hub.db.reading() as reader:
        found = await queries.destinations(reader, known.workspace.id, kind, place or 0, rows + 1)
    more, found = len(found) > rows, found[:rows]
    return found, paging.cursor(kind, found[-1].id) if more else None


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise errors.NotFound("There is no such delivery.")
    return int(text)


def _chosen(body: dict[str, Any]) -> Chosen:
    """Raises `Invalid`, naming everything that is wrong with the body."""
    faults = [
        Fault(name[:100], f"There is no member '{name[:100]}'.") for name in body if name not in FILTERS
    ]
    faults += [
        Fault(name, f"The member '{name}' must be a string.")
        for name in FILTERS
        if body.get(name) is not None and not isinstance(body[name], str)
    ]
    state = body.get("state")
    if state not in (None, *STATES[1:]):
        faults.append(Fault("state", f"The state must be one of {', '.join(STATES[1:])}."))
    if body.get("webhook") and body.get("subscription"):
        faults.append(Fault("subscription", "Either a webhook or a subscription, or neither for all."))
    since = None
    try:
        since = filters.moment("since", body.get("since")) if isinstance(body.get("since"), str) else None
    except errors.Malformed as fault:
        faults.append(Fault("since", fault.message))
    if faults:
        raise errors.Invalid(faults)
    return Chosen(body.get("webhook"), body.get("subscription"), state, since)
