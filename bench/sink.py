"""`python -m bench.sink PORT`: a receiver that answers 200 at once, and below /dead never.

One asyncio protocol without a parser worth the name, so that the sink costs as little as it can.
"""

from __future__ import annotations

import asyncio
import sys

import uvloop

_ANSWER = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 15\r\n\r\n" + b'{"key":"BENCH"}'
)


class Sink(asyncio.Protocol):
    def __init__(self) -> None:
        self._got = bytearray()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport) or hasattr(transport, "write")
        self._transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        self._got += data
        while (head := self._got.find(b"\r\n\r\n")) >= 0:
            lines = bytes(self._got[:head]).lower()
            at = lines.find(b"content-length:")
            length = int(lines[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            if len(self._got) < head + 4 + length:
                return
            dead = self._got.startswith(b"POST /dead")
            del self._got[: head + 4 + length]
            if not dead and self._transport is not None:
                self._transport.write(_ANSWER)


async def main(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Sink, "127.0.0.1", port, backlog=1024)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1])))
