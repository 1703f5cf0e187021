"""Where outgoing calls may go, asked of the real client with a listener that must see nothing."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import AsyncIterator, Iterator

import aiohttp
import pytest
import yarl
from aiohttp.abc import AbstractResolver, ResolveResult

from tellback.core import templates
from tellback.core.deliveries import addresses, requests
from tellback.core.deliveries.definitions import Webhook
from tellback.worker import delivery_call, egress

pytestmark = pytest.mark.anyio

# Every spelling of addresses that lead inside. PORT is that of a listener on every address of this machine.
HOSTS = [
    # loopback, and this host
    "127.0.0.1", "127.0.0.2", "127.1", "127.0.1", "127.255.255.254", "2130706433", "017700000001", "0x7f000001",
    "0x7f.1", "0x7F.0x0.0x0.0x1", "0177.0.0.1", "0177.0.0.01", "127.0.0.1.", "0", "0.0.0.0", "0x0", "localhost",  # noqa: S104
    "LOCALHOST", "localhost.", "ip6-localhost", "[::1]", "[0:0:0:0:0:0:0:1]", "[0000::0001]", "[::]", "[::0]",
    # IPv4 within IPv6
    "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[0:0:0:0:0:ffff:7f00:1]", "[::FFFF:0a00:0001]", "[::127.0.0.1]",
    "[::7f00:1]", "[::ffff:0:127.0.0.1]", "[64:ff9b::127.0.0.1]", "[64:ff9b::a9fe:a9fe]", "[64:ff9b:1::7f00:1]",
    "[2002:7f00:1::]", "[2002:c0a8:0101::1]", "[2001:0:4136:e378:8000:63bf:80ff:fffe]", "[::ffff:169.254.169.254]",
    # digits and dots of other scripts
    "①②⑦.⓪.⓪.①", "１２７.０.０.１", "127。0。0。1", "loc\u00adalhost", "ⓛocalhost",
    # private, shared, link-local, metadata
    "10.0.0.1", "10.1", "172.16.0.1", "172.31.255.255", "192.168.0.1", "192.168.257", "100.64.0.1",
    "169.254.169.254", "2852039166", "0xa9fea9fe", "0251.0376.0251.0376", "169.254.43518", "100.100.100.200",
    "192.0.0.192", "168.63.129.16", "[fd00:ec2::254]", "[fe80::1]", "[fe80::1%25lo]", "[fe80::1%25eth0]", "[fc00::1]",
    "[fec0::1]",
    # nobody's, everybody's
    "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255", "192.0.2.1", "198.18.0.1", "198.51.100.1",
    "203.0.113.1", "192.88.99.1", "[ff02::1]", "[2001:db8::1]", "[3fff::1]", "[100::1]", "[5f00::1]",
]  # fmt: skip

URLS = [
    *(f"http://{host}:PORT/" for host in HOSTS),
    "http://user:secret@127.0.0.1:PORT/", "http://public.example@127.0.0.1:PORT/", "http://127.0.0.1:PORT#@public.example/",
    "http://127.0.0.1:PORT\\@public.example/", "http:///127.0.0.1:PORT/", "http:127.0.0.1:PORT/", "//127.0.0.1:PORT/",
    "http://public.example:80@127.0.0.1:PORT/", "http://[::1]%00.public.example:PORT/", "http://127.0.0.1%00:PORT/",
    "http://127.0.0.1\t:PORT/", "http://127.0.0.1 :PORT/", " http://127.0.0.1:PORT/", "http://127.0.0.1%2f:PORT/",
    "http://%31%32%37.0.0.1:PORT/", "ftp://127.0.0.1:PORT/", "file:///etc/passwd", "gopher://127.0.0.1:PORT/_x",
    "unix:///run/x.sock", "ws://127.0.0.1:PORT/", "HTTP://127.0.0.1:PORT/", "javascript:alert(1)", "http://",
    "http://[::1", "http://[127.0.0.1]:PORT/", "http://[v1.x]:PORT/", "http://127.0.0.1:99999/", "http://127.0.0.1:0/",
]  # fmt: skip


class Listener:
    """Counts who connects, on every address of this machine, IPv4 and IPv6."""

    def __init__(self) -> None:
        self.seen = 0
        self.port = 0

    async def heard(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.seen += 1
        await reader.readline()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        writer.close()


@pytest.fixture
async def listener() -> AsyncIterator[Listener]:
    listener = Listener()
    server = await asyncio.start_server(listener.heard, "0.0.0.0", 0)  # noqa: S104
    listener.port = server.sockets[0].getsockname()[1]
    second = None
    if socket.has_ipv6:
        try:
            second = await asyncio.start_server(listener.heard, "::", listener.port)
        except OSError:
            second = None  # a machine without IPv6: its spellings lead nowhere
    yield listener
    for one in (server, second):
        if one is not None:
            one.close()


class Rebinding(AbstractResolver):
    """Says something else each time it is asked, as a name server of an attacker does."""

    def __init__(self, answers: Iterator[list[str]]) -> None:
        self._answers = answers

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=0,
            )
            for address in next(self._answers)
        ]

    async def close(self) -> None:
        """It holds nothing."""


async def sent(url: str, *allowed: str, connector: aiohttp.TCPConnector | None = None) -> BaseException | int:
    """The status of a call as deliveries make it, or why there is none. Half a second decides."""
    connector = connector or egress.connector(addresses.networks(allowed))
    try:
        async with (
            delivery_call.session(connector) as session,
            asyncio.timeout(5),
            session.get(yarl.URL(url, encoded=True), allow_redirects=False) as response,
        ):
            return response.status
    except (aiohttp.ClientError, OSError, ValueError, UnicodeError) as error:
        return error


def test_has_at_least_sixty_hostile_spellings() -> None:
    assert len(set(URLS)) >= 100


async def test_reaches_nothing_inside_by_any_spelling(listener: Listener) -> None:
    for url in URLS:
        outcome = await sent(url.replace("PORT", str(listener.port)))
        assert isinstance(outcome, BaseException), url
        assert listener.seen == 0, url


async def test_reaches_nothing_inside_in_the_form_in_which_it_would_be_stored(listener: Listener) -> None:
    taken = 0
    for url in URLS:
        webhook = Webhook("w", "GET", url.replace("PORT", str(listener.port)))
        if list(requests.faults(webhook)):
            with pytest.raises(templates.TemplateFault):
                requests.render_request(webhook, {})
            continue
        taken += 1
        outcome = await sent(requests.render_request(webhook, {}).request.url)
        assert isinstance(outcome, BaseException), url
        assert listener.seen == 0, url
    assert taken > 30  # plain addresses and names are judged where they are dialled


async def test_says_that_the_address_was_refused_and_what_would_open_it(listener: Listener) -> None:
    outcome = await sent(f"http://localhost:{listener.port}/")
    assert isinstance(outcome, aiohttp.ClientConnectorError)
    assert isinstance(outcome.os_error, egress.DestinationRefused)
    assert "--allow-destination" in str(outcome)
    assert delivery_call.fault_of(outcome) == "forbidden"


async def test_checks_a_name_at_every_dial(listener: Listener) -> None:
    answers = iter(
        [["127.0.0.1"], ["10.0.0.1", "127.0.0.1", "::1"], ["::ffff:127.0.0.1"], ["169.254.169.254"]]
    )
    for _ in range(4):
        connector = egress.connector()
        connector._resolver = Rebinding(answers)
        outcome = await sent(f"http://public.example:{listener.port}/", connector=connector)
        assert isinstance(outcome, aiohttp.ClientConnectorError)
        assert isinstance(outcome.os_error, egress.DestinationRefused)
    assert listener.seen == 0


async def test_calls_the_open_address_of_a_name_that_has_both(listener: Listener) -> None:
    connector = egress.connector(addresses.networks(["127.0.0.1/32"]))
    connector._resolver = Rebinding(iter([["127.0.0.2", "127.0.0.1"]]))
    assert await sent(f"http://both.example:{listener.port}/", connector=connector) == 200
    assert listener.seen == 1


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("http://127.0.0.1:PORT/", "127.0.0.0/8"),
        ("http://localhost:PORT/", "127.0.0.1"),
        ("http://[::ffff:127.0.0.1]:PORT/", "127.0.0.1/32"),
    ],
)
async def test_reaches_what_the_operator_allowed(listener: Listener, url: str, allowed: str) -> None:
    assert await sent(url.replace("PORT", str(listener.port)), allowed) == 200
    assert listener.seen == 1


async def test_follows_no_redirect_and_no_proxy_variable(
    listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def redirect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(
            f"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.2:{listener.port}/\r\n"
            "Content-Length: 0\r\nConnection: close\r\n\r\n".encode()
        )
        writer.close()

    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.2:{listener.port}")
    monkeypatch.setenv("http_proxy", f"http://127.0.0.2:{listener.port}")
    async with await asyncio.start_server(redirect, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        assert await sent(f"http://127.0.0.1:{port}/", "127.0.0.0/8") == 302
    assert listener.seen == 0


@pytest.mark.parametrize(
    "address",
    ["8.8.8.8", "1.1.1.1", "172.15.0.1", "172.32.0.1", "100.63.255.255", "100.128.0.1", "192.167.255.255",
     "198.17.255.255", "223.255.255.255", "2606:4700::1111", "2a00:1450:4001::1", "::ffff:8.8.8.8"],
)  # fmt: skip
async def test_lets_open_addresses_be_called(address: str) -> None:
    assert addresses.may_call(address)


async def test_refuses_the_ends_of_every_range_that_leads_inside() -> None:
    networks: list[addresses.Network] = [*addresses._NOT_PUBLIC_4, *addresses._NOT_PUBLIC_6]
    for network in networks:
        assert not addresses.may_call(str(network[0])), network
        assert not addresses.may_call(str(network[-1])), network
    for block in ("::/8", "100::/8", "1000::/4", "4000::/2", "8000::/1"):
        network6 = ipaddress.IPv6Network(block)
        assert not addresses.may_call(str(network6[1])), block
        assert not addresses.may_call(str(network6[-1])), block


async def test_takes_an_operators_range_as_written_or_says_what_is_wrong() -> None:
    assert addresses.networks(["10.1.2.3/16", " ::1 "]) == (
        ipaddress.ip_network("10.1.0.0/16"),
        ipaddress.ip_network("::1/128"),
    )
    with pytest.raises(ValueError, match=r"'intranet' is no address or network \(10\.1\.0\.0/16\)"):
        addresses.networks(["intranet"])
    assert not addresses.may_call("intranet", addresses.networks(["0.0.0.0/0", "::/0"]))


async def test_does_not_open_disguises_with_the_range_of_the_open_internet() -> None:
    everything4 = addresses.networks(["0.0.0.0/0"])
    assert addresses.may_call("10.0.0.1", everything4)
    assert not addresses.may_call("fd00::1", everything4)
