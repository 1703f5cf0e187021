"""Where calls may go: which URLs are in order, and which addresses are open to everybody.

Python's own `is_global` says yes to addresses that lead inside (IPv4-compatible, site-local, some translated
ones), and says other things in other versions: so the tables are our own. What is not listed as public is refused.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

LONGEST_URL: Final = 4_096
_UNSAFE = re.compile(r"[\x00-\x20\x7f-\uffff\"<>\\^`{|}]")
_HOST = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_.])?")

#: IANA's special-purpose IPv4 addresses (RFC 6890 and its registry), and multicast.
_NOT_PUBLIC_4: Final = tuple(
    ipaddress.IPv4Network(one)
    for one in (
        "0.0.0.0/8",        # this network
        "10.0.0.0/8",       # private
        "100.64.0.0/10",    # shared by carriers (CGNAT); cloud metadata of some
        "127.0.0.0/8",      # loopback
        "169.254.0.0/16",   # link-local, cloud metadata
        "172.16.0.0/12",    # private
        "192.0.0.0/24",     # protocol assignments; cloud metadata of one
        "192.0.2.0/24",     # documentation
        "192.31.196.0/24",  # AS112
        "192.52.193.0/24",  # AMT
        "192.88.99.0/24",   # 6to4 relays
        "192.168.0.0/16",   # private
        "192.175.48.0/24",  # AS112
        "198.18.0.0/15",    # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",   # documentation
        "224.0.0.0/4",      # multicast
        "240.0.0.0/4",      # reserved, broadcast
        "168.63.129.16/32", # a cloud's host, public by number alone
    )
)  # fmt: skip

#: Of IPv6 nothing is public but global unicast, and of that not these.
_GLOBAL_UNICAST: Final = ipaddress.IPv6Network("2000::/3")
_NOT_PUBLIC_6: Final = tuple(
    ipaddress.IPv6Network(one)
    for one in (
        "2001::/23",        # protocol assignments: Teredo, ORCHID, benchmarks, AMT
        "2001:db8::/32",    # documentation
        "2002::/16",        # 6to4
        "2620:4f:8000::/48",  # AS112
        "3fff::/20",        # documentation
    )
)  # fmt: skip

#: Where an IPv4 address stands within an IPv6 one: its network, and how many bits are right of it.
_EMBEDDED: Final = (
    (ipaddress.IPv6Network("::ffff:0:0/96"), 0),      # mapped
    (ipaddress.IPv6Network("::ffff:0:0:0/96"), 0),    # translated (SIIT)
    (ipaddress.IPv6Network("64:ff9b::/96"), 0),       # NAT64
    (ipaddress.IPv6Network("64:ff9b:1::/48"), 0),     # NAT64, local
    (ipaddress.IPv6Network("2002::/16"), 80),         # 6to4
    (ipaddress.IPv6Network("::/96"), 0),              # compatible
)  # fmt: skip


def is_public(address: Address) -> bool:
    """Whether `address` is open to everybody: no private, local, shared, metadata or documentation one."""
    if isinstance(address, ipaddress.IPv4Address):
        return not any(address in network for network in _NOT_PUBLIC_4)
    return address in _GLOBAL_UNICAST and not any(address in network for network in _NOT_PUBLIC_6)


def may_call(address: str, allowed: Sequence[Network] = ()) -> bool:
    """Whether a connection to `address` (as a socket has it) may be opened.

    `allowed` are the operator's ranges. An IPv4 address within an IPv6 one counts as itself, so a range
    allows it in whatever spelling; other disguises of IPv4 are refused unless their own range is allowed.
    """
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if any(found in network for network in allowed):
        return True
    if isinstance(found, ipaddress.IPv6Address):
        inner = embedded(found)
        if inner is not None:
            mapped = found in _EMBEDDED[0][0]
            return any(inner in network for network in allowed) or (mapped and is_public(inner))
    return is_public(found)


def embedded(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address that an IPv6 one stands for; None where it stands for itself."""
    for network, right in _EMBEDDED:
        if address in network and int(address) > 1:
            return ipaddress.IPv4Address((int(address) >> right) & 0xFFFFFFFF)
    return None


def networks(texts: Sequence[str]) -> tuple[Network, ...]:
    """The operator's ranges, CIDR or single addresses. Raises `ValueError` with a message for the operator."""
    found = []
    for text in texts:
        try:
            found.append(ipaddress.ip_network(text.strip(), strict=False))
        except ValueError:
            raise ValueError(f"{text!r} is no address or network (10.1.0.0/16)") from None
    return tuple(found)


def url_fault(url: str) -> str | None:
    """What is wrong with the form of a URL to call; None when it is in order.

    Addresses are not judged here: a name may lead elsewhere tomorrow. A number that is no plain address
    (0x7f.1, 2130706433) is refused, because programs read it in different ways.
    """
    if len(url) > LONGEST_URL:
        return f"it is longer than {LONGEST_URL:,} characters"
    if _UNSAFE.search(url):
        return "it holds a character that may not stand in a URL"
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return "it is no URL"
    if parts.scheme not in ("http", "https"):
        return "http:// or https:// is due"
    if "@" in parts.netloc:
        return "name and password may not stand in it; use basic_auth or a header"
    if port == 0:
        return "there is no port 0"
    if "#" in url:
        return "a fragment (#…) is never sent"
    return _host_fault(host, parts.netloc)


def _host_fault(host: str, netloc: str) -> str | None:
    if netloc.startswith("["):
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            return "its host is no plain IP address: write it as 192.0.2.1 or [2001:db8::1]"
        return "zones (%eth0) lead nowhere but on one machine" if "%" in str(address) else None
    if not host or len(host) > 253 or not _HOST.fullmatch(host) or ".." in host:
        return "it names no host"
    last = host.rstrip(".").rpartition(".")[2]
    if re.fullmatch(r"[0-9]+|0[xX][0-9A-Fa-f]*", last):  # the WHATWG URL standard reads these as IPv4
        try:
            ipaddress.IPv4Address(host)
        except ValueError:
            return "its host is no plain IP address: write it as 192.0.2.1 or [2001:db8::1]"
    return None
