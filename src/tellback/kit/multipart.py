"""Receiving files sent as multipart/form-data (RFC 7578) straight into the file store.

Nothing of a request is kept unless all of it was read and found good. Memory does not grow with its size.
"""

from __future__ import annotations

import asyncio
import dataclasses
import hashlib
import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

import multipart  # type: ignore[import-untyped]

from tellback.core import errors, files
from tellback.kit import header_options
from tellback.storage.blobs import BlobStore, BlobWriter, Stored

MAX_PARTS = 100
MAX_PART_HEADER = 16 * 1024
#: Bytes of all parts without a file name together. Nobody reads them, so they need no room.
MAX_IGNORED = 1024 * 1024
#: Bytes before the first boundary, after the last, or within headers; counted in whole chunks.
MAX_BETWEEN = 64 * 1024
#: Twice the limit of a file, and this for the wrapping, is the limit of a request.
SPARE = 1024 * 1024

_MOST_HEADERS = 64
# RFC 2046, 5.1.1
_BOUNDARY = re.compile(r"[0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-]")
_MEDIA_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]{1,63}/[a-z0-9!#$&^_.+-]{1,63}")
_IDENTITY = ("7bit", "8bit", "binary")


@dataclass(frozen=True, slots=True)
class ReceivedFile:
    """A file part: `field` is the part's name, `name` the file's, cleaned."""

    field: str
    name: str
    media_type: str
    stored: Stored


@dataclass(frozen=True, slots=True)
class ReceivedForm:
    """What a request brought.

    `fingerprint` is a SHA-256 over names and contents of all parts in order, not over the body as sent: a
    client that tries again makes a new boundary.
    """

    files: tuple[ReceivedFile, ...]
    fingerprint: bytes

    async def discard(self, store: BlobStore) -> None:
        """Remove the stored files: the caller could not write their rows."""
        await _discard(store, [file.stored for file in self.files])


def announced_too_large(content_length: int | None, max_file_size: int) -> bool:
    """Whether a request of this length (bytes; None: not announced) is over the limit of a request."""
    return content_length is not None and content_length > _largest_request(max_file_size)


async def receive_files(
    stream: AsyncIterator[bytes],
    content_type: str,
    store: BlobStore,
    *,
    max_file_size: int,
    max_parts: int = MAX_PARTS,
    max_part_header: int = MAX_PART_HEADER,
) -> ReceivedForm:
    """Read a multipart/form-data body and store every part that has a file name; other parts are ignored.

    Sizes are in bytes. Raises `Unsupported` (another media type), `Malformed` (also: no file part),
    `TooLarge`, `BlobsAway`, and what `stream` raises; then nothing is stored.
    """
    receiver = _Receiver(_boundary(content_type), store, max_file_size, max_parts, max_part_header)
    try:
        async for chunk in stream:
            await receiver.take(chunk)
        return receiver.finish()
    except multipart.MultipartError as error:
        await receiver.discard()
        reason = str(error.args[0]).partition(" (")[0].lower()
        raise errors.Malformed(f"The multipart body cannot be read: {reason}.") from error
    except BaseException:
        await receiver.discard()
        raise


@dataclass(slots=True)
class _Part:
    """The part being read. `name` is the file name as sent; where it is empty, there is no `writer`."""

    field: str
    name: str
    media_type: str
    writer: BlobWriter | None
    size: int = 0
    ignored: hashlib._Hash = dataclasses.field(default_factory=hashlib.sha256)


class _Receiver:
    """A body on its way from the parser into the store."""

    def __init__(
        self, boundary: str, store: BlobStore, max_file_size: int, max_parts: int, max_part_header: int
    ) -> None:
        self._parser = multipart.PushMultipartParser(
            boundary,
            max_header_size=max_part_header,
            max_header_count=_MOST_HEADERS,
            max_segment_count=max_parts,
        )
        self._store = store
        self._max_file_size = max_file_size
        self._max_request = _largest_request(max_file_size)
        self._max_part_header = max_part_header
        self._digest = hashlib.sha256()
        self._received = 0
        self._between = 0
        self._ignored = 0
        self._files: list[ReceivedFile] = []
        self._part: _Part | None = None

    async def take(self, chunk: bytes) -> None:
        self._received += len(chunk)
        if self._received > self._max_request:
            raise errors.TooLarge("The request is larger than this hub takes.")
        self._between = 0 if self._part else self._between + len(chunk)
        for event in self._parser.parse(chunk) if chunk else ():
            self._between = 0
            if isinstance(event, multipart.MultipartSegment):
                self._part = self._begin(event)
            elif self._part and event:
                await self._append(self._part, event)
            elif self._part:
                await self._end(self._part)
        if self._between > MAX_BETWEEN:
            raise errors.Malformed("The multipart body has too much outside of its parts.")

    def finish(self) -> ReceivedForm:
        self._parser.close()
        if not self._files:
            raise errors.Malformed("The request has no part with a file name.")
        return ReceivedForm(tuple(self._files), self._digest.digest())

    async def discard(self) -> None:
        if self._part and self._part.writer:
            await self._part.writer.abort()
        await _discard(self._store, [file.stored for file in self._files])

    def _begin(self, segment: multipart.MultipartSegment) -> _Part:
        headers = segment.headerlist
        # With the colon, the space and the line end that the parser took off.
        if sum(len(name) + len(value.encode()) + 4 for name, value in headers) > self._max_part_header:
            raise errors.Malformed("The headers of a part are too large.")
        field, name = _names(segment.header("Content-Disposition", ""))
        encoding = segment.header("Content-Transfer-Encoding", "binary").strip().lower()
        if encoding not in _IDENTITY:
            raise errors.Malformed("A part has a content transfer encoding; send the bytes as they are.")
        writer = self._store.create() if name else None
        return _Part(field, name, _media_type(segment.content_type), writer)

    async def _append(self, part: _Part, data: bytes) -> None:
        if part.writer is None:
            self._ignored += len(data)
            if self._ignored > MAX_IGNORED:
                raise errors.TooLarge("The parts without a file name are larger than this hub takes.")
            part.ignored.update(data)
            return
        part.size += len(data)
        if part.size > self._max_file_size:
            raise errors.TooLarge(f"A file is larger than {self._max_file_size} bytes.")
        await part.writer.write(data)

    async def _end(self, part: _Part) -> None:
        content = part.ignored.hexdigest()
        if part.writer is not None:
            stored = await part.writer.commit()
            self._files.append(ReceivedFile(part.field, files.clean_name(part.name), part.media_type, stored))
            content = stored.sha256
        self._part = None
        for text in (part.field, part.name, content):
            data = text.encode(errors="surrogatepass")
            self._digest.update(len(data).to_bytes(4, "big") + data)


def _boundary(content_type: str) -> str:
    media_type, options = header_options.split(content_type)
    if media_type != "multipart/form-data":
        raise errors.Unsupported("Send the files as multipart/form-data.")
    boundaries = [header_options.unquote(raw) for name, raw in options if name == "boundary"]
    if len(boundaries) != 1 or not _BOUNDARY.fullmatch(boundaries[0]):
        raise errors.Malformed("The Content-Type has no valid boundary.")
    return boundaries[0]


def _names(disposition: str) -> tuple[str, str]:
    """The part's name and the file's; `filename*` counts for more than `filename` (RFC 6266, 4.3)."""
    options = dict(header_options.split(disposition)[1])
    plain = header_options.form_name(options.get("filename", ""))
    extended = header_options.extended(options.get("filename*", ""))
    return header_options.form_name(options.get("name", "")), extended or plain


def _media_type(sent: str | None) -> str:
    return sent if sent and _MEDIA_TYPE.fullmatch(sent) else "application/octet-stream"


def _largest_request(max_file_size: int) -> int:
    return 2 * max_file_size + SPARE


async def _discard(store: BlobStore, blobs: Sequence[Stored]) -> None:
    """Remove blobs; what cannot be removed now is left to the sweep."""
    # All are begun before anything is awaited, so that a caller cancelled again here still removes them.
    removals = asyncio.gather(*(store.delete(blob.name) for blob in blobs), return_exceptions=True)
    await asyncio.shield(removals)
