"""The egress guard: where a call goes is checked at the moment of connecting, for every address it tries.

Checking names beforehand would not do: a name may lead elsewhere by the time it is dialled.
"""

from __future__ import annotations

import errno
import errno
import socket
from collections.abc import Sequence

import aiohttp
from aiohappyeyeballs import AddrInfoType

from tellback.core.automation import addresses
from tellback.worker.delivery_call import KEEP_ALIVE_S


class Forbidden(OSError):
    """The address is in a network that calls may not go to."""

    forbidden = True

    def __init__(self, address: str) -> None:
        super().__init__(errno.EACCES, f"calls to {address} are not allowed")


def connector(allowed: Sequence[addresses.Network]) -> aiohttp.TCPConnector:
    """Connections to public addresses and to `allowed` networks; to others none is opened."""

    def checked(info: AddrInfoType) -> socket.socket:
        family, kind, protocol, _, address = info
        host = str(address[0])
        if not addresses.may_call(host, allowed):
            raise Forbidden(host)
        return socket.socket(family, kind, protocol)

    return aiohttp.TCPConnector(
        limit=0, keepalive_timeout=KEEP_ALIVE_S, socket_factory=checked, ttl_dns_cache=10, use_dns_cache=True
    )
