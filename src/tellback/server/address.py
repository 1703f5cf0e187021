"""The address that is listened on: taken before anything starts, and held as long as the server lives.

Every worker listens with SO_REUSEPORT, with which Linux would let a second server share the port in silence.
"""

from __future__ import annotations

import errno
import socket
from dataclasses import dataclass

from tellback.server.faults import BadAddress, PortInUse

_ANY = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared with, not listened on


@dataclass(frozen=True)
class Address:
    """An IP address and a port that is ours until `close`."""

    ip: str
    port: int
    _holder: socket.socket

    @property
    def reachable(self) -> tuple[str, int]:
        """Where this machine itself finds it."""
        return _ANY.get(self.ip, self.ip), self.port

    def url(self, scheme: str) -> str:
        host, port = self.reachable
        return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"

    def close(self) -> None:
        self._holder.close()


def take(host: str, port: int) -> Address:
    """Hold `host` and `port` (0: any free one). Raises `PortInUse`, `BadAddress`."""
    try:
        family, kind, _, _, name = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except (OSError, UnicodeError, OverflowError):
        raise BadAddress(f"{host} is not an address of this machine") from None
    holder = socket.socket(family, kind)
    try:
        # Tolerates connections of a server just stopped, and still clashes with one that listens.
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(name)
        # Bound but never listening: our workers may join in, and nobody else's bind gets past it.
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    except OSError as error:
        holder.close()
        if error.errno == errno.EADDRINUSE:
            raise PortInUse(f"port {port} of {host} is in use; choose another with --port") from None
        raise BadAddress(f"cannot listen on {host} port {port}: {error.strerror}") from None
    ip, taken = holder.getsockname()[:2]
    return Address(ip, taken, holder)
