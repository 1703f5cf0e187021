"""The outermost layer, called as a server calls it."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from tellback import logs, settings
from tellback.core import errors
from tellback.kit import answers, dispatch, faults, front, heads, limits, metrics
from tellback.storage import errors as storage_errors

pytestmark = pytest.mark.anyio

Handler = Callable[[answers.Scope, answers.Receive, answers.Send], Awaitable[None]]


async def hello(scope: answers.Scope, receive: answers.Receive, send: answers.Send) -> None:
    """Reads the body whole and tells who asked."""
    size = 0
    while True:
        message = await receive()
        size += len(message.get("body", b""))
        if not message.get("more_body"):
            break
    peer = front.peer_of(scope)
    told = {"size": size, "address": peer.address, "scheme": peer.scheme, "host": peer.host}
    told |= {"loopback": peer.loopback, "method": scope["method"], "sent": front.method_of(scope)}
    await answers.send_answer(send, answers.of_json(200, told))


def refusal(error: errors.HubError) -> answers.Answer:
    status = faults.status_of(error)
    return answers.of_json(status, {"vendor_says": error.message}, faults.headers_of(error))


def fronted(app: Handler = hello, *, trusted: tuple[str, ...] = (), **options: Any) -> front.Front:
    vendor = dispatch.Surface("vendor", ("/v/",), app, refusal)
    addresses = heads.Addresses(settings.networks(trusted))
    return front.Front(dispatch.Dispatcher([vendor]), addresses=addresses, **options)


class Exchange:
    """One request to a front, and what came of it."""

    def __init__(
        self,
        *headers: tuple[str, str],
        path: str = "/v/x",
        method: str = "POST",
        host: str | None = "hub.example",
        body: tuple[bytes, ...] = (),
        cut: bool = False,
        client: str = "192.0.2.7",
        version: str = "1.1",
    ) -> None:
        lines = [*headers] if host is None else [("host", host), *headers]
        self.scope: dict[str, Any] = {
            "type": "http",
            "http_version": version,
            "method": method,
            "path": path,
            "query_string": b"apiKey=canary",
            "scheme": "http",
            "client": (client, "1234"),
            "headers": [(name.encode(), value.encode("latin-1")) for name, value in lines],
        }
        self._left: list[answers.Message] = [
            {"type": "http.request", "body": part, "more_body": True} for part in body
        ]
        if cut:
            self._left.append({"type": "http.disconnect"})
        elif self._left:
            self._left[-1]["more_body"] = False
        self.sent: list[answers.Message] = []

    async def through(self, app: front.Front) -> Exchange:
        async def receive() -> answers.Message:
            return self._left.pop(0) if self._left else {"type": "http.request", "body": b""}

        async def send(message: answers.Message) -> None:
            self.sent.append(message)

        await app(self.scope, receive, send)
        return self

    @property
    def status(self) -> int:
        status: int = self.sent[0]["status"]
        return status

    @property
    def headers(self) -> dict[str, str]:
        return {name.decode(): value.decode() for name, value in self.sent[0]["headers"]}

    @property
    def body(self) -> Any:
        return json.loads(b"".join(message["body"] for message in self.sent[1:]))


async def test_passes_a_good_request_to_its_surface() -> None:
    done = await Exchange(("content-length", "5"), body=(b"he", b"llo")).through(fronted())
    assert done.status == 200
    assert done.body["size"] == 5


async def test_carries_a_request_id_and_nosniff_on_every_answer() -> None:
    app = fronted()
    ids = set()
    for path in ("/v/x", "/nowhere", "/v/x"):
        done = await Exchange(path=path).through(app)
        ids.add(done.headers["x-request-id"])
        assert done.headers["x-content-type-options"] == "nosniff"
    assert len(ids) == 3


async def test_takes_a_sane_request_id_and_makes_one_for_any_other() -> None:
    app = fronted()
    taken = await Exchange(("x-request-id", "trace.01_A-z")).through(app)
    assert taken.headers["x-request-id"] == "trace.01_A-z"
    for odd in ("", "a b", "x" * 65, 'a"b', "é"):
        made = await Exchange(("x-request-id", odd)).through(app)
        assert made.headers["x-request-id"] not in ("", odd)


@pytest.mark.parametrize(
    "host", [None, "", "a b", "a/b", "user@host", "[::1", "h:port", "h:123456", "é.example"]
)
async def test_refuses_a_missing_or_bad_host(host: str | None) -> None:
    done = await Exchange(host=host).through(fronted())
    assert (done.status, list(done.body)) == (400, ["vendor_says"])


async def test_refuses_two_hosts() -> None:
    done = await Exchange(("host", "other.example")).through(fronted())
    assert done.status == 400
    assert done.headers["connection"] == "close"


@pytest.mark.parametrize("host", ["hub.example", "hub.example:8080", "192.0.2.1", "[::1]:443", "localhost"])
async def test_takes_a_good_host(host: str) -> None:
    done = await Exchange(host=host).through(fronted())
    assert done.body["host"] == host


@pytest.mark.parametrize(
    "headers",
    [
        [("content-length", "4"), ("transfer-encoding", "chunked")],
        [("content-length", "4"), ("content-length", "5")],
        [("content-length", "+4")],
        [("content-length", "-1")],
        [("content-length", "4,4")],
        [("content-length", "")],
        [("transfer-encoding", "gzip, chunked")],
        [("transfer-encoding", "identity"), ("transfer-encoding", "chunked")],
    ],
)
async def test_refuses_two_ways_of_telling_a_bodys_length(headers: list[tuple[str, str]]) -> None:
    done = await Exchange(*headers, body=(b"abcd",)).through(fronted())
    assert (done.status, done.headers["connection"]) == (400, "close")


async def test_refuses_headers_over_64_kib() -> None:
    fits = await Exchange(("x-a", "a" * 60_000)).through(fronted())
    over = await Exchange(("x-a", "a" * 40_000), ("x-b", "b" * 40_000)).through(fronted())
    assert (fits.status, over.status) == (200, 431)
    assert list(over.body) == ["vendor_says"]


async def test_refuses_an_encoded_body_and_minds_no_encoding_without_one() -> None:
    gzip = ("content-encoding", "gzip")
    assert (await Exchange(gzip, ("content-length", "4"), body=(b"abcd",)).through(fronted())).status == 415
    assert (await Exchange(gzip, ("transfer-encoding", "chunked")).through(fronted())).status == 415
    assert (await Exchange(gzip, ("content-length", "0")).through(fronted())).status == 200
    plain = [("content-encoding", "Identity"), ("content-length", "4")]
    assert (await Exchange(*plain, body=(b"abcd",)).through(fronted())).status == 200


@pytest.mark.parametrize(
    ("headers", "version"),
    [
        ([("content-length", "10")], "1.1"),
        ([("transfer-encoding", "chunked")], "1.1"),
        ([], "2"),
        ([("content-length", "10")], "2"),
    ],
)
async def test_lets_nothing_come_of_a_body_cut_short(headers: list[tuple[str, str]], version: str) -> None:
    effects = []

    async def files(scope: answers.Scope, receive: answers.Receive, send: answers.Send) -> None:
        try:
            await hello(scope, receive, send)
        except Exception:  # as a careless surface might
            effects.append("took it for an error of its own")
        effects.append("went on")

    await Exchange(*headers, body=(b"abc",), cut=True, version=version).through(fronted(files))
    assert effects == []


async def test_lets_nothing_come_of_a_body_shorter_than_announced() -> None:
    done = await Exchange(("content-length", "10"), body=(b"abc",)).through(fronted())
    assert (done.status, done.headers["connection"]) == (400, "close")


async def test_hides_an_unexpected_error_behind_the_surfaces_own_words(
    capfd: pytest.CaptureFixture[str],
) -> None:
    async def breaks(scope: answers.Scope, receive: answers.Receive, send: answers.Send) -> None:
        raise RuntimeError("inner detail")

    logs.configure("info", terminal=False)
    done = await Exchange().through(fronted(breaks))
    logged = capfd.readouterr().err
    assert done.status == 500
    assert "inner detail" not in done.body["vendor_says"]
    assert "inner detail" in logged
    assert done.headers["x-request-id"] in logged
    assert "canary" not in logged  # the query is nowhere


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.NotFound("There is no such thing."), 404),
        (errors.MethodNotAllowed(("GET",)), 405),
        (errors.Invalid([errors.Fault("title", "A title is due.")]), 422),
        (storage_errors.DatabaseAway("gone"), 503),
        (storage_errors.QueueFull("full"), 503),
    ],
)
async def test_answers_an_expected_error_that_escaped_its_surface(error: Exception, status: int) -> None:
    async def fails(scope: answers.Scope, receive: answers.Receive, send: answers.Send) -> None:
        raise error

    done = await Exchange().through(fronted(fails))
    assert done.status == status
    if status == 503:
        assert int(done.headers["retry-after"]) > 0


async def test_cannot_take_back_an_answer_that_has_begun() -> None:
    async def breaks_late(scope: answers.Scope, receive: answers.Receive, send: answers.Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise RuntimeError

    exchange = Exchange()
    with pytest.raises(RuntimeError):  # the server cuts the connection, which the client notices
        await exchange.through(fronted(breaks_late))
    assert len(exchange.sent) == 1


async def test_shows_a_surface_head_as_get_and_sends_no_body() -> None:
    seen = []

    async def looks(scope: answers.Scope, receive: answers.Receive, send: answers.Send) -> None:
        seen.append((scope["method"], front.method_of(scope)))
        await answers.send_answer(send, answers.Answer(200, b"four"))

    done = await Exchange(method="HEAD").through(fronted(looks))
    assert seen == [("GET", "HEAD")]
    assert done.headers["content-length"] == "4"
    assert done.sent[1]["body"] == b""


FORWARDED = [
    ("x-forwarded-for", "203.0.113.9, 198.51.100.2"),
    ("x-forwarded-for", "10.0.0.8"),
    ("x-forwarded-proto", "https"),
    ("x-forwarded-host", "feedback.example"),
]


async def test_believes_a_trusted_proxy_up_to_the_rightmost_stranger() -> None:
    app = fronted(trusted=("10.0.0.0/8",))
    told = (await Exchange(*FORWARDED, client="10.0.0.7").through(app)).body
    assert (told["address"], told["scheme"], told["host"]) == ("198.51.100.2", "https", "feedback.example")


async def test_believes_nobody_else() -> None:
    told = (await Exchange(*FORWARDED, client="192.0.2.7").through(fronted(trusted=("10.0.0.0/8",)))).body
    assert (told["address"], told["scheme"], told["host"]) == ("192.0.2.7", "http", "hub.example")


@pytest.mark.parametrize(
    ("said", "address"),
    [
        ("10.1.1.1", "10.1.1.1"),
        ("198.51.100.2:5151", "198.51.100.2"),
        ("[2001:db8::1]:5151", "2001:db8::1"),
        ("::ffff:198.51.100.2", "198.51.100.2"),
        ("198.51.100.2, garbage", "10.0.0.7"),
        ("unknown", "10.0.0.7"),
        ("", "10.0.0.7"),
    ],
)
async def test_reads_forwarded_addresses_as_proxies_write_them(said: str, address: str) -> None:
    app = fronted(trusted=("10.0.0.0/8",))
    done = await Exchange(("x-forwarded-for", said), client="10.0.0.7").through(app)
    assert done.body["address"] == address


async def test_keeps_its_own_host_and_scheme_over_nonsense() -> None:
    odd = [("x-forwarded-proto", "javascript"), ("x-forwarded-host", "a/b")]
    told = (await Exchange(*odd, client="10.0.0.7").through(fronted(trusted=("10.0.0.0/8",)))).body
    assert (told["scheme"], told["host"]) == ("http", "hub.example")


@pytest.mark.parametrize(("client", "loopback"), [("127.0.0.9", True), ("::1", True), ("192.0.2.7", False)])
async def test_knows_this_machines_own_addresses(client: str, loopback: bool) -> None:
    assert (await Exchange(client=client).through(fronted())).body["loopback"] is loopback


async def test_does_not_take_a_client_for_loopback_because_its_proxy_is() -> None:
    app = fronted(trusted=("127.0.0.0/8",))
    done = await Exchange(("x-forwarded-for", "203.0.113.9"), client="127.0.0.1").through(app)
    assert (done.body["address"], done.body["loopback"]) == ("203.0.113.9", False)


async def test_limits_an_address_in_the_surfaces_words() -> None:
    config = settings.Settings(data=Path("/d"), address_rate=settings.Rate(1, 60))
    app = fronted(limit=limits.Limits(config))
    assert (await Exchange().through(app)).status == 200
    refused = await Exchange().through(app)
    assert (refused.status, list(refused.body)) == (429, ["vendor_says"])
    assert refused.headers["retry-after"] == "60"
    assert refused.headers["ratelimit-policy"] == '"default";q=1;w=60'
    assert (await Exchange(client="192.0.2.8").through(app)).status == 200


async def test_closes_a_connection_whose_body_was_not_read() -> None:
    """What is left of it would be taken for the next request, so the server ends the connection: the sender must know."""

    async def refuse(_scope: answers.Scope, receive: answers.Receive, send: answers.Send) -> None:
        await receive()
        await answers.send_answer(send, answers.Answer(413))

    length = ("content-length", "4")
    begun = await Exchange(length, body=(b"he", b"re")).through(fronted(refuse))
    assert (begun.status, begun.headers.get("connection")) == (413, "close")
    read = await Exchange(length, body=(b"here",)).through(fronted(refuse))
    assert "connection" not in read.headers
    multiplexed = await Exchange(length, body=(b"he", b"re"), version="2").through(fronted(refuse))
    assert "connection" not in multiplexed.headers


async def test_closes_connections_when_it_drains() -> None:
    app = fronted()
    assert "connection" not in (await Exchange().through(app)).headers
    app.drain()
    assert (await Exchange().through(app)).headers["connection"] == "close"
    assert "connection" not in (await Exchange(version="2").through(app)).headers


async def test_counts_what_is_in_flight_and_what_was_answered() -> None:
    in_flight = []

    async def looks(scope: answers.Scope, receive: answers.Receive, send: answers.Send) -> None:
        in_flight.append(app.in_flight)
        await answers.send_answer(send, answers.Answer(418))

    app = fronted(looks)
    await Exchange(method="BREW").through(app)
    assert (in_flight, app.in_flight) == ([1], 0)
    line = b'tellback_http_requests_total{surface="vendor",method="other",status="418"} 1'
    assert line in metrics.REGISTRY.render()


async def test_writes_one_line_a_request(capfd: pytest.CaptureFixture[str]) -> None:
    logs.configure("info", terminal=False)
    await Exchange(path="/v/x/apiKey=canary").through(fronted())
    (line,) = capfd.readouterr().err.splitlines()
    told = json.loads(line)
    assert (told["event"], told["surface"], told["status"]) == ("request", "vendor", 200)
    assert "canary" not in line


async def test_answers_in_nobodys_words_where_nobody_owns_the_path() -> None:
    done = await Exchange(path="/nowhere").through(fronted())
    assert (done.status, done.headers["content-type"]) == (404, "application/problem+json")
    assert done.body["title"] == "Not Found"
