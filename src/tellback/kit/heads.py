"""What a request's header lines say about it, checked: pure, and quick, for it is done to every request.

Sources: RFC 9112 sections 3.2 (Host) and 6.3 (message body length), RFC 9110 section 8.4 (content coding).
"""

from __future__ import annotations

import functools
import ipaddress
import re
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from tellback import settings
from tellback.core import errors
from tellback.kit import faults

MAX_HEADER_BYTES = 64 * 1024
# A line costs its name, its value and the four bytes ": " and CRLF around them.
_LINE_BYTES = 4

#: The headers looked at, by lower-case name. Of repeated ones the values are joined with a comma, which makes
#: a second Host or Content-Length as wrong as it is.
Head = dict[bytes, bytes]
_WATCHED = frozenset(
    (
        b"host",
        b"content-length",
        b"transfer-encoding",
        b"content-encoding",
        b"x-request-id",
        b"x-forwarded-for",
        b"x-forwarded-proto",
        b"x-forwarded-host",
    )
)

# RFC 3986 section 3.2.2: a name or an IPv4 address, or an IPv6 address in brackets; then, perhaps, a port.
_HOST = re.compile(rb"(?:[A-Za-z0-9._~%!$&'()*+;=-]{1,255}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_SCHEMES = ("http", "https")


class Peer(msgspec.Struct, frozen=True, gc=False):
    """Who asks, as far as we trust what was said: `address` without port, `host` as the client named it."""

    address: str
    scheme: str
    host: str
    request_id: str
    loopback: bool


def read(headers: Iterable[tuple[bytes, bytes]]) -> tuple[Head, int]:
    """The watched headers, and how many bytes all headers take."""
    head: Head = {}
    size = 0
    for name, value in headers:
        size += len(name) + len(value) + _LINE_BYTES
        if name in _WATCHED:
            head[name] = value if name not in head else b"%s,%s" % (head[name], value)
    return head, size


def fault_of(head: Head, size: int) -> errors.HubError | None:
    """What makes these headers unacceptable to every surface, or None."""
    if size > MAX_HEADER_BYTES:
        return faults.HeadersTooLarge(f"The headers are over {MAX_HEADER_BYTES // 1024} KiB.")
    if b"host" not in head or not valid_host(head[b"host"]):
        return errors.Malformed("The request needs exactly one valid Host header.")
    coding = head.get(b"transfer-encoding")
    if coding is not None and coding.lower() != b"chunked":
        return errors.Malformed("The only Transfer-Encoding taken is chunked.")
    length = head.get(b"content-length")
    if length is not None:
        if coding is not None:
            return errors.Malformed("Content-Length and Transfer-Encoding exclude each other.")
        if not length.isdigit():
            return errors.Malformed("The request needs one Content-Length that is a number.")
    if b"content-encoding" in head and has_body(head):
        coding = head[b"content-encoding"].strip().lower()
        if coding not in (b"", b"identity"):
            return errors.Unsupported("Send the body as it is; no Content-Encoding is taken.")
    return None


def has_body(head: Head) -> bool:
    return b"transfer-encoding" in head or head.get(b"content-length", b"0").strip(b"0") != b""


@functools.lru_cache(maxsize=1024)
def valid_host(host: bytes) -> bool:
    return _HOST.fullmatch(host) is not None


def request_id_of(head: Head) -> str | None:
    """The sender's own request id, if it gave a harmless one."""
    given = head.get(b"x-request-id")
    if given is None or _REQUEST_ID.fullmatch(given) is None:
        return None
    return given.decode("ascii")


class Addresses:
    """Which addresses are this machine's own, and which are proxies whose word counts."""

    def __init__(self, trusted: Sequence[settings.Network]) -> None:
        self._trusted = tuple(trusted)
        self.facts = functools.lru_cache(maxsize=4096)(self._facts)

    def _facts(self, address: str) -> tuple[bool, bool]:
        """Of an address: is it loopback, is it trusted."""
        parsed = _parsed(address)
        if parsed is None:
            return False, False
        return parsed.is_loopback, any(parsed in network for network in self._trusted)

    def peer(self, head: Head, address: str, scheme: str, request_id: str) -> Peer:
        """Who asks. X-Forwarded-For, -Proto and -Host count only when `address` is a trusted proxy."""
        loopback, trusted = self.facts(address)
        host = head[b"host"].decode("ascii")
        if not trusted:
            return Peer(address, scheme, host, request_id, loopback)
        client = self._client(address, head)
        said_scheme = _last(head, b"x-forwarded-proto").lower()
        said_host = _last(head, b"x-forwarded-host")
        return Peer(
            client,
            said_scheme if said_scheme in _SCHEMES else scheme,
            said_host if valid_host(said_host.encode("latin-1")) else host,
            request_id,
            self.facts(client)[0],
        )

    def _client(self, proxy: str, head: Mapping[bytes, bytes]) -> str:
        """The rightmost address that is no trusted proxy: everything left of it is hearsay."""
        client = proxy
        for entry in reversed(head.get(b"x-forwarded-for", b"").split(b",")):
            parsed = _parsed(_without_port(entry.strip().decode("latin-1")))
            if parsed is None:
                break
            client = str(parsed)
            if not self.facts(client)[1]:
                break
        return client


def _last(head: Mapping[bytes, bytes], name: bytes) -> str:
    return head.get(name, b"").rpartition(b",")[2].strip().decode("latin-1")


def _without_port(entry: str) -> str:
    if entry.startswith("["):
        return entry[1:].partition("]")[0]
    return entry.partition(":")[0] if entry.count(":") == 1 else entry


def _parsed(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return None
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
        return parsed.ipv4_mapped
    return parsed
