"""`/hub/v1/files/{id}`: the bytes of a file."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from typing import Annotated, Any, cast
from urllib.parse import quote

from litestar import Request, Response, get
from litestar.datastructures import ResponseHeader
from litestar.openapi import ResponseSpec
from litestar.params import Parameter
from litestar.response import Stream

from tellback.core import errors, files
from tellback.core.hub import Hub
from tellback.hub_api import access, filters
from tellback.hub_api.documents import Problem
from tellback.kit import answers, front, ranges
from tellback.storage.errors import BlobMissing, BlobsAway

_MEDIA_TYPE = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+/[!#$%&'*+.^_`|~0-9A-Za-z-]+(;[\x20-\x7e]*)?")
_UNSAFE = re.compile(r'[^\x20-\x7e]|["\\%]')
_UNESCAPED = "!#$&+-.^_`|~"  # RFC 8187, attr-char, beside letters and digits

#: Answers of this call alone.
ANSWERS = {
    206: ResponseSpec(bytes, media_type="application/octet-stream", description="The range asked for.",
                      generate_examples=False),
    304: ResponseSpec(None, description="The client has it (If-None-Match)."),
    412: ResponseSpec(Problem, media_type=answers.PROBLEM.decode(), generate_examples=False,
                      description="The file is not the one that If-Match names."),
    416: ResponseSpec(Problem, media_type=answers.PROBLEM.decode(), generate_examples=False,
                      description="The range lies behind the end; Content-Range says where that is."),
}  # fmt: skip


@get(
    "/files/{file:str}",
    media_type="application/octet-stream",
    responses=ANSWERS,
    response_headers=[
        ResponseHeader("ETag", documentation_only=True, description="The SHA-256 of the bytes.")
    ],
    summary="The bytes of a file",
)
async def read_file(
    request: Request[Any, Any, Any],
    hub: Hub,
    file: Annotated[str, Parameter(description="The file's `id`, as tickets show it.")],
) -> Response[bytes] | Stream:
    """As it was sent, to be saved, with the media type its sender gave it. One range at a time."""
    known = await access.bearer(request, "hub_read")
    access.only(request)
    async with hub.db.reading() as reader:
        found = await files.blob_of(reader, known.workspace.id, _id(file))
    if found is None:
        raise errors.NotFound("There is no such file.")
    one, blob = found
    tag = f'"{one.sha256}"'
    head = front.method_of(cast(answers.Scope, request.scope)) == "HEAD"
    part = ranges.part(request.headers, tag, one.size, head=head)
    headers = {"etag": tag, "accept-ranges": "bytes", "cache-control": "private, no-cache"}
    if part.status == 304:
        return Response(b"", status_code=304, headers=headers)
    headers |= {
        "content-length": str(part.length),
        "content-disposition": _disposition(one.name),
        "content-security-policy": "sandbox",  # for who shows it all the same
    }
    if part.status == 206:
        headers["content-range"] = f"bytes {part.offset}-{part.offset + part.length - 1}/{one.size}"
    # As a header: Litestar would add a character set, of which nothing is known.
    plain = _MEDIA_TYPE.fullmatch(one.media_type)
    headers["content-type"] = one.media_type if plain else "application/octet-stream"
    chunks = _chunks(hub, blob, ranges.Part(part.status, part.offset, 0) if head else part)
    first = await _first(chunks)
    return _Download(_all(first, chunks), chunks, part.status, headers)


class _Download(Stream):
    """A stream whose source is closed however it ends: a client that leaves must not leave a file open."""

    def __init__(
        self,
        content: AsyncIterator[bytes],
        source: AsyncGenerator[bytes, None],
        status: int,
        headers: Mapping[str, str],
    ) -> None:
        super().__init__(content, status_code=status, headers=headers)
        self._source = source

    def to_asgi_response(self, app: Any, request: Any, **options: Any) -> Any:
        sending = super().to_asgi_response(app, request, **options)

        async def send_and_close(scope: Any, receive: Any, send: Any) -> None:
            try:
                await sending(scope, receive, send)
            finally:
                await self._source.aclose()

        return send_and_close


def _id(text: str) -> int:
    try:
        return filters.number("id", text) or 0
    except errors.Malformed:
        raise errors.NotFound("There is no such file.") from None


def _disposition(name: str) -> str:
    """RFC 6266: the name for everyone, and as it is for who can read it (RFC 8187)."""
    return (
        f"attachment; filename=\"{_UNSAFE.sub('_', name)}\"; filename*=UTF-8''{quote(name, safe=_UNESCAPED)}"
    )


async def _chunks(hub: Hub, blob: str, part: ranges.Part) -> AsyncGenerator[bytes, None]:
    left = part.length
    async with hub.blobs.reading(blob, offset=part.offset, length=part.length) as chunks:
        async for chunk in chunks:
            left -= len(chunk)
            yield chunk
    if left:  # too late for another answer: the connection is cut before its announced end
        raise BlobsAway("the file store holds less of a file than was stored")


async def _first(chunks: AsyncIterator[bytes]) -> bytes:
    """The first chunk, before the answer begins, so that a store that fails is told of in words."""
    try:
        return await anext(chunks, b"")
    except BlobMissing:
        raise errors.NotFound("There is no such file.") from None


async def _all(first: bytes, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for chunk in chunks:
        yield chunk
