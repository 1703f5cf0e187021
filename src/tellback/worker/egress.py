"""The egress guard: outgoing calls reach what is open to everybody, and what the operator allowed.

The check stands where a socket is made for one concrete address, so it sees what is really dialled: each address
of a name at each dial (a name that led elsewhere a moment ago included), and addresses written as such, which
never meet a resolver.
"""

from __future__ import annotations

import errno
import socket
from collections.abc import Sequence

import aiohttp
from aiohappyeyeballs import AddrInfoType

from tellback.core.deliveries import addresses
from tellback.worker.delivery_call import KEEP_ALIVE_S


class DestinationRefused(OSError):
    """The address leads inside, and the operator did not allow that. `forbidden` tells it from the network's no."""

    forbidden = True

    def __init__(self) -> None:
        # Always the same words: of several unequal ones, the client would make an error of no kind.
        words = "the address is private, local or reserved, and no --allow-destination opens it"
        super().__init__(errno.EACCES, words)


def connector(allowed: Sequence[addresses.Network] = ()) -> aiohttp.TCPConnector:
    """A connector that opens connections to nothing else; needs a running loop.

    A refusal surfaces as `aiohttp.ClientConnectorError` whose `os_error` is `DestinationRefused`.
    """

    def checked(info: AddrInfoType) -> socket.socket:
        family, kind, protocol, _, address = info
        if not addresses.may_call(str(address[0]), allowed):
            raise DestinationRefused
        return socket.socket(family, kind, protocol)

    return aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEP_ALIVE_S, socket_factory=checked)
