"""One outgoing call: composed at the moment of sending, sent, and its answer read with bounds.

Nothing is followed, unpacked or read beyond its bounds; whatever happens becomes an `Outcome` in words.
"""

from __future__ import annotations

import asyncio
import functools
import ssl
import time
from collections.abc import Sequence
from datetime import UTC, datetime

import aiohttp
import yarl

import tellback
from tellback import logs
from tellback.core.deliveries import hints, signing
from tellback.core.deliveries import rules as delivery_rules
from tellback.core.deliveries.model import Begun, Leased, Outcome

CONNECT_S = 5.0
TOTAL_S = 20.0
#: Of an answer's body; the connection is dropped when there is more.
LONGEST_BODY = 64 * 1024
_CUT_OFF = "\n(cut off after 64 KiB)"
_LONGEST_HEADERS = 16 * 1024
USER_AGENT = f"tellback/{tellback.__version__}"
#: Idle connections are closed before common servers close them (5 s), so that no call goes into a closed one.
KEEP_ALIVE_S = 4.0

# The client would make a timer for each call; whoever calls looks at its watch for all of them (`late`).
_TIMEOUT = aiohttp.ClientTimeout(total=None, connect=None, sock_connect=CONNECT_S)
Headers = list[tuple[str, str]]


class _AsRendered(aiohttp.ClientRequest):
    """A request with the headers that were rendered, and none of the client's own."""

    DEFAULT_HEADERS = {}  # noqa: RUF012 - as the client's own class has it


def session(connector: aiohttp.BaseConnector) -> aiohttp.ClientSession:
    """A client that keeps no cookies, follows no proxy variables and unpacks nothing."""
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=_TIMEOUT,
        auto_decompress=False,
        trust_env=False,
        request_class=_AsRendered,
        requote_redirect_url=False,
    )


async def call(client: aiohttp.ClientSession, lease: Leased, begun: Begun) -> Outcome:
    """Send one request and read its answer; every fault is an outcome. Cancelled, it raises.

    Nothing here ends a call after `TOTAL_S`: the caller cancels it then, and has its outcome from `late`.
    """
    body = (begun.request.body or "").encode()
    headers = composed(lease, begun, body, int(time.time()))
    sent = masked(headers, lease)
    clock = time.monotonic()
    try:
        return await _exchange(client, begun, headers, body, sent, clock)
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
        fault = fault_of(error)
        words, hint = hints.FAULTS[fault]
        return Outcome(_ms(clock), sent, error=_detailed(words, fault, error), hint=hint)


def composed(lease: Leased, begun: Begun, body: bytes, now: int) -> Headers:
    """All headers of a call: the rendered ones, then what only the moment of sending knows."""
    given = [*begun.request.headers, *((header.name, header.value) for header in lease.headers)]
    if not _has(given, "user-agent"):
        given.append(("User-Agent", USER_AGENT))
    return given + signing.headers(begun.message_id, now, body, lease.secrets)


def _has(headers: Headers, name: str) -> bool:
    return any(one.lower() == name for one, _ in headers)


def masked(headers: Headers, lease: Leased) -> Headers:
    """The headers as they may be shown."""
    secret = {header.name.lower() for header in lease.headers}
    return [
        (name, logs.MASK if name.lower() in secret or _names_a_secret(name) else value)
        for name, value in headers
    ]


#: The same few names come with every call and every answer.
_names_a_secret = functools.lru_cache(1024)(logs.names_a_secret)


async def _exchange(
    client: aiohttp.ClientSession, begun: Begun, headers: Headers, body: bytes, sent: Headers, clock: float
) -> Outcome:
    request = begun.request
    async with client.request(
        request.method,
        yarl.URL(request.url, encoded=True),
        headers=headers,
        data=body if request.body is not None else None,
        skip_auto_headers=None if _has(headers, "content-type") else ("Content-Type",),
        allow_redirects=False,
    ) as response:
        read, whole = await _read(response)
        if not whole:
            response.close()
        error, hint = delivery_rules.verdict(response.status)
        return Outcome(
            _ms(clock),
            sent,
            response.status,
            _shown(response),
            _text(read, response, whole),
            error,
            hint,
            delivery_rules.retry_after(response.headers.get("Retry-After"), datetime.now(UTC))
            if error
            else None,
        )


async def _read(response: aiohttp.ClientResponse) -> tuple[bytes, bool]:
    """The body, at most `LONGEST_BODY`, and whether that is all of it."""
    read = bytearray()
    while piece := await response.content.readany():
        read += piece
        if len(read) > LONGEST_BODY:
            return bytes(read[:LONGEST_BODY]), False
    return bytes(read), True


def _text(read: bytes, response: aiohttp.ClientResponse, whole: bool) -> str:
    """A body as text that can be stored and shown."""
    coding = response.headers.get("Content-Encoding", "identity").strip().lower()
    if coding not in ("", "identity"):
        return f"({len(read)}{'' if whole else ' or more'} bytes packed with {coding[:40]}, not unpacked)"
    text = read.decode("utf-8", "replace").replace("\x00", "\ufffd")
    return text if whole else f"{text[: LONGEST_BODY - len(_CUT_OFF)]}{_CUT_OFF}"


def _shown(response: aiohttp.ClientResponse) -> dict[str, str]:
    """The answer's headers by name, those that repeat joined by commas, secrets masked, 16 KiB at most."""
    shown: dict[str, str] = {}
    left = _LONGEST_HEADERS
    for name, value in response.headers.items():
        clean = value if value.isascii() else value.encode("utf-8", "replace").decode()
        clean = clean.replace("\x00", "\ufffd")
        left -= len(name) + len(clean)
        if left < 0:
            break
        value = logs.MASK if _names_a_secret(name) else clean
        shown[name] = f"{shown[name]}, {value}" if name in shown else value
    return shown


def _ms(clock: float) -> int:
    return round((time.monotonic() - clock) * 1000)


#: From the particular to the general: the first that fits names the fault.
_FAULTS: Sequence[tuple[type[BaseException] | tuple[type[BaseException], ...], hints.Fault]] = (
    (aiohttp.ClientConnectorDNSError, "dns"),
    ((aiohttp.ClientConnectorCertificateError, aiohttp.ServerFingerprintMismatch), "certificate"),
    ((aiohttp.ClientConnectorSSLError, aiohttp.ClientSSLError, ssl.SSLError), "tls"),
    (aiohttp.ConnectionTimeoutError, "connect_timeout"),
    ((TimeoutError, asyncio.TimeoutError), "timeout"),
    (aiohttp.ClientPayloadError, "incomplete"),
    (aiohttp.ServerDisconnectedError, "disconnected"),
    (aiohttp.ClientResponseError, "not_http"),
    ((aiohttp.InvalidURL, ValueError), "address"),
)


def fault_of(error: BaseException) -> hints.Fault:
    """Which way of failing an exception of the client is."""
    if getattr(error, "forbidden", False) or getattr(getattr(error, "os_error", None), "forbidden", False):
        return "forbidden"
    for kinds, fault in _FAULTS:
        if isinstance(error, kinds):
            return fault
    if isinstance(error, aiohttp.ClientConnectorError):
        return "refused" if isinstance(error.os_error, ConnectionRefusedError) else "unreachable"
    if isinstance(error, (ConnectionResetError, BrokenPipeError, aiohttp.ClientOSError)):
        return "disconnected"
    return "other"


def _detailed(words: str, fault: hints.Fault, error: BaseException) -> str:
    """The words, and what the system said where that says more."""
    if fault in ("certificate", "tls", "unreachable", "not_http", "other", "address", "forbidden"):
        said = logs.mask_text(str(error).replace("\x00", ""))[:300]
        return f"{words} ({said})" if said else words
    return words


def stopped(lease: Leased, begun: Begun, since: float) -> Outcome:
    """Of a call that was given up because its worker has to stop. `since`: monotonic seconds of its begin."""
    return _given_up(lease, begun, since, "stopped")


def late(lease: Leased, begun: Begun, since: float) -> Outcome:
    """Of a call that was given up after `TOTAL_S`."""
    return _given_up(lease, begun, since, "timeout")


def _given_up(lease: Leased, begun: Begun, since: float, fault: hints.Fault) -> Outcome:
    error, hint = hints.FAULTS[fault]
    sent = masked(composed(lease, begun, b"", int(time.time())), lease)
    return Outcome(_ms(since), sent, error=error, hint=hint, interrupted=fault == "stopped")


def label(outcome: Outcome) -> str:
    """What metrics call an outcome."""
    if outcome.interrupted:
        return "stopped"
    if outcome.error is None:
        return "delivered"
    if outcome.status is None:
        return "unanswered"
    return f"{outcome.status // 100}xx" if 100 <= outcome.status < 600 else "unanswered"
