"""Deliveries: at least once, in order, signed, and kept attempt by attempt."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
import standardwebhooks
import svix.webhooks
from tests.support import receiver as receivers
from tests.support.outbox import Outbox
from tests.support.receiver import Receiver

from tellback.core.deliveries import reading_queries as delivery_reading_queries
from tellback.core.deliveries.definitions import BasicAuth, Header

pytestmark = pytest.mark.anyio

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OLDER = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"


@pytest.fixture(scope="module")
def shared() -> Iterator[Receiver]:
    with receivers.running() as running:
        yield running


@pytest.fixture
def receiver(shared: Receiver) -> Receiver:
    shared.calls.clear()
    shared.behaviours.clear()
    return shared


async def test_delivers_in_the_order_of_events(outbox: Outbox, receiver: Receiver) -> None:
    destination = await outbox.destination(receiver.url("/a"))
    await outbox.queue(destination, receiver.url("/a"), 50)
    async with outbox.sending():
        await outbox.until_settled()
    assert [call.json()["n"] for call in receiver.at("/a")] == list(range(50))
    assert await outbox.value("select count(*) from attempts where status = 200 and duration_ms >= 0") == 50


async def test_holds_the_queue_while_its_first_is_retried(outbox: Outbox, receiver: Receiver) -> None:
    receiver.behave("/a", receivers.in_turn(receivers.answer(500), receivers.answer(503), receivers.answer()))
    destination = await outbox.destination(receiver.url("/a"))
    await outbox.queue(destination, receiver.url("/a"), 3)
    async with outbox.sending():
        await outbox.until_settled()
    assert [call.json()["n"] for call in receiver.at("/a")] == [0, 0, 0, 1, 2]


async def test_sends_the_same_bytes_and_id_in_every_attempt(outbox: Outbox, receiver: Receiver) -> None:
    receiver.behave("/a", receivers.in_turn(receivers.answer(500), receivers.answer()))
    destination = await outbox.destination(receiver.url("/a"), secrets=[SECRET])
    await outbox.queue(destination, receiver.url("/a"))
    async with outbox.sending():
        await outbox.until_settled()
    first, second = receiver.at("/a")
    assert (first.id, first.body) == (second.id, second.body)


async def test_gives_up_at_the_end_of_the_schedule_and_goes_on_with_the_next(
    outbox: Outbox, receiver: Receiver
) -> None:
    receiver.behave("/a", receivers.in_turn(*[receivers.answer(500)] * 3, receivers.answer()))
    destination = await outbox.destination(receiver.url("/a"))
    first, _ = await outbox.queue(destination, receiver.url("/a"), 2)
    async with outbox.sending():
        await outbox.until_settled()
    assert [row["state"] for row in await outbox.rows("select state from deliveries order by id")] == [
        "failed", "delivered",
    ]  # fmt: skip
    assert [row["number"] for row in await outbox.attempts(first)] == [1, 2, 3]


@pytest.mark.alone
async def test_sends_several_at_once_where_order_does_not_count(outbox: Outbox, receiver: Receiver) -> None:
    receiver.behave("/a", receivers.answer(after=0.5))
    destination = await outbox.destination(receiver.url("/a"), ordered=False)
    await outbox.queue(destination, receiver.url("/a"), 20)
    async with outbox.sending():
        began = asyncio.get_running_loop().time()
        await outbox.until_settled()
        assert asyncio.get_running_loop().time() - began < 3
    assert sorted(call.json()["n"] for call in receiver.at("/a")) == list(range(20))


async def test_sends_each_once_however_many_workers_there_are(outbox: Outbox, receiver: Receiver) -> None:
    for number in range(10):
        destination = await outbox.destination(receiver.url(f"/{number}"), ordered=number % 2 == 0)
        await outbox.queue(destination, receiver.url(f"/{number}"), 20)
    async with outbox.sending(), outbox.sending(), outbox.sending():
        await outbox.until_settled(20)
    for number in range(10):
        came = [call.json()["n"] for call in receiver.at(f"/{number}")]
        assert sorted(came) == list(range(20))
        assert number % 2 or came == list(range(20))


async def test_wakes_for_what_is_added_later(outbox: Outbox, receiver: Receiver) -> None:
    destination = await outbox.destination(receiver.url("/a"))
    async with outbox.sending():
        for _ in range(5):
            await outbox.queue(destination, receiver.url("/a"))
            await outbox.until_settled(2)
    assert len(receiver.at("/a")) == 5


async def test_loses_nothing_that_is_added_while_a_queue_runs_dry(outbox: Outbox, receiver: Receiver) -> None:
    destination = await outbox.destination(receiver.url("/a"))
    async with outbox.sending():
        await asyncio.gather(*(outbox.queue(destination, receiver.url("/a")) for _ in range(100)))
        await outbox.until_settled()
    assert len(receiver.at("/a")) == 100


@pytest.mark.parametrize("secret", [SECRET, OLDER])
async def test_signs_for_unmodified_libraries_with_either_secret_of_a_rotation(
    outbox: Outbox, receiver: Receiver, secret: str
) -> None:
    destination = await outbox.destination(receiver.url("/a"), secrets=[SECRET, OLDER])
    await outbox.queue(destination, receiver.url("/a"), body='{"greeting": "grüß dich"}')
    async with outbox.sending():
        await outbox.until_settled()
    call = receiver.at("/a")[0]
    standardwebhooks.Webhook(secret).verify(call.body.decode(), call.headers)
    svix.webhooks.Webhook(secret).verify(call.body, call.headers)
    with pytest.raises(standardwebhooks.WebhookVerificationError):
        standardwebhooks.Webhook(secret).verify(call.body.decode() + " ", call.headers)


async def test_sends_no_signature_without_a_secret(outbox: Outbox, receiver: Receiver) -> None:
    destination = await outbox.destination(receiver.url("/a"))
    await outbox.queue(destination, receiver.url("/a"))
    async with outbox.sending():
        await outbox.until_settled()
    assert not [name for name in receiver.at("/a")[0].headers if name.startswith("webhook-")]


async def test_adds_secrets_when_it_sends_and_shows_none(outbox: Outbox, receiver: Receiver) -> None:
    destination = await outbox.destination(
        receiver.url("/a"), secrets=[SECRET], basic_auth=BasicAuth("ann", "s3cret"),
        headers=(Header("X-Token", "hush", secret=True), Header("X-Plain", "seen")),
    )  # fmt: skip
    (delivery,) = await outbox.queue(destination, receiver.url("/a"))
    async with outbox.sending():
        await outbox.until_settled()
    sent = receiver.at("/a")[0].headers
    assert (sent["authorization"], sent["x-token"]) == ("Basic YW5uOnMzY3JldA==", "hush")
    assert sent["user-agent"].startswith("tellback/")
    kept = str((await outbox.attempts(delivery))[0]["request"])
    assert '"Authorization", "***"' in kept
    assert '"X-Token", "***"' in kept
    for secret in ("hush", "YW5uOnMzY3JldA", "s3cret", sent["webhook-signature"]):
        assert secret not in kept


async def test_shows_no_credential_that_stands_in_a_url_or_a_body(outbox: Outbox, receiver: Receiver) -> None:
    url = receiver.url("/a?apiKey=mob_6f1d&id=4")
    destination = await outbox.destination(url)
    (delivery,) = await outbox.queue(destination, url, body='{"token": "xoxb-1", "id": 4}')
    async with outbox.sending():
        await outbox.until_settled()
    (call,) = receiver.calls
    assert (call.target, call.body) == ("/a?apiKey=mob_6f1d&id=4", b'{"token": "xoxb-1", "id": 4}')
    async with outbox.db.reading() as reader:
        shown = await delivery_reading_queries.by_id(reader, 1, delivery)
    assert shown is not None
    request = shown.attempts[0].request
    assert request["url"] == receiver.url("/a?apiKey=***&id=4")
    assert request["body"] == '{"token": "***", "id": 4}'


async def test_shows_an_attempt_as_soon_as_it_begins(outbox: Outbox, receiver: Receiver) -> None:
    receiver.behave("/a", receivers.hang)
    destination = await outbox.destination(receiver.url("/a"))
    (delivery,) = await outbox.queue(destination, receiver.url("/a"))
    async with outbox.sending(stop_s=0.1):
        await asyncio.to_thread(receiver.wait_for, 1)
        (begun,) = await outbox.attempts(delivery)
        assert (begun["number"], begun["duration_ms"], begun["status"]) == (1, None, None)


@pytest.mark.alone
async def test_waits_as_long_as_the_receiver_asks(outbox: Outbox, receiver: Receiver) -> None:
    busy = receivers.answer(429, b"", ("Retry-After", "1"))
    receiver.behave("/a", receivers.in_turn(busy, receivers.answer()))
    destination = await outbox.destination(receiver.url("/a"))
    await outbox.queue(destination, receiver.url("/a"))
    async with outbox.sending():
        await outbox.until_settled()
    first, second = receiver.at("/a")
    assert 1.0 <= second.at - first.at < 3.5


async def test_disables_a_destination_that_is_gone_and_keeps_its_queue(
    outbox: Outbox, receiver: Receiver
) -> None:
    receiver.behave("/a", receivers.answer(410))
    destination = await outbox.destination(receiver.url("/a"))
    await outbox.queue(destination, receiver.url("/a"), 3)
    async with outbox.sending():
        await outbox.until("select state from destinations", "disabled")
        await asyncio.sleep(0.3)
    assert len(receiver.at("/a")) == 1
    assert await outbox.value("select count(*) from deliveries where state = 'waiting'") == 3
    assert "410" in await outbox.value("select reason from destinations")
    (told,) = await outbox.rows("select kind, data from changes")
    assert told["kind"] == "configuration.changed"
    assert '"disabled"' in told["data"]


async def test_disables_a_destination_after_five_days_of_failure(outbox: Outbox, receiver: Receiver) -> None:
    receiver.behave("/a", receivers.answer(500))
    destination = await outbox.destination(receiver.url("/a"))
    await outbox.rows("update destinations set failures = 40, failing_since = now() - interval '5 days'")
    await outbox.queue(destination, receiver.url("/a"))
    async with outbox.sending():
        await outbox.until("select state from destinations", "disabled")
    assert "5 days" in await outbox.value("select reason from destinations")


async def test_begins_anew_with_a_success(outbox: Outbox, receiver: Receiver) -> None:
    destination = await outbox.destination(receiver.url("/a"))
    await outbox.rows("update destinations set failures = 40, failing_since = now() - interval '5 days'")
    await outbox.queue(destination, receiver.url("/a"))
    async with outbox.sending():
        await outbox.until_settled()
    assert await outbox.rows("select failures, failing_since, state from destinations") == [
        {"failures": 0, "failing_since": None, "state": "active"}
    ]


async def test_gives_everything_back_when_it_stops(outbox: Outbox, receiver: Receiver) -> None:
    receiver.behave("/a", receivers.hang)
    destination = await outbox.destination(receiver.url("/a"))
    (delivery,) = await outbox.queue(destination, receiver.url("/a"))
    async with outbox.sending(stop_s=0.1):
        await asyncio.to_thread(receiver.wait_for, 1)
    receiver.behave("/a", receivers.answer())
    async with outbox.sending():
        await outbox.until_settled(2)
    first, second = await outbox.attempts(delivery)
    assert "stopped" in first["error"]
    assert second["status"] == 200
