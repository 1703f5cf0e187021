"""`python -m bench.bare URL LANES COUNT`: COUNT posts by LANES at once through aiohttp alone; prints the seconds.

What deliveries are measured against: no queue, no order, no record, no signature.
"""

from __future__ import annotations

import asyncio
import sys
import time

import aiohttp
import uvloop

BODY = (
    b'{"type":"ticket.created","timestamp":"2026-01-01T00:00:00Z","data":{"id":1,"subject":"'
    + b"x" * 900
    + b'"}}'
)


async def main(url: str, lanes: int, count: int) -> float:
    left = iter(range(count))
    headers = {"Content-Type": "application/json"}
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as client:

        async def lane() -> None:
            for _ in left:
                async with client.post(url, data=BODY, headers=headers) as response:
                    await response.read()
                    assert response.status == 200

        began = time.perf_counter()
        await asyncio.gather(*(lane() for _ in range(lanes)))
        return time.perf_counter() - began


if __name__ == "__main__":
    print(uvloop.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))))
