"""Multipart bodies as a client would make them, and a way to have them received."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from pathlib import Path

from tellback.kit import multipart
from tellback.storage import blobs

BOUNDARY = "d74496d66958873e"
CONTENT_TYPE = f"multipart/form-data; boundary={BOUNDARY}"
LIMIT = 10_000_000


def left(folder: Path) -> list[Path]:
    """Every file in a store's folder."""
    return [path for path in folder.rglob("*") if path.is_file()]


def part(content: bytes, disposition: str = 'name="log"; filename="crash.log"', *headers: str) -> bytes:
    lines = [f"Content-Disposition: form-data; {disposition}", *headers, "", ""]
    return "\r\n".join(lines).encode() + content


def body(*parts: bytes, boundary: str = BOUNDARY) -> bytes:
    delimiter = b"--" + boundary.encode()
    return b"".join(delimiter + b"\r\n" + one + b"\r\n" for one in parts) + delimiter + b"--\r\n"


async def sent(chunks: Iterable[bytes]) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


async def receive(
    store: blobs.BlobStore, *chunks: bytes, content_type: str = CONTENT_TYPE, limit: int = LIMIT
) -> multipart.ReceivedForm:
    return await multipart.receive_files(sent(chunks), content_type, store, max_file_size=limit)


async def content(store: blobs.BlobStore, file: multipart.ReceivedFile) -> bytes:
    async with store.reading(file.stored.name) as chunks:
        return b"".join([chunk async for chunk in chunks])
