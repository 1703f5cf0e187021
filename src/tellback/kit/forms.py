"""Fields of form bodies: application/x-www-form-urlencoded (WHATWG URL, 5.1) and multipart/form-data (RFC 7578)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from urllib.parse import parse_qsl

import multipart  # type: ignore[import-untyped]

from tellback.core import errors
from tellback.kit import header_options

URLENCODED = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"
#: Far above what any endpoint takes; it bounds the work spent on a body that is refused anyway.
MOST_FIELDS = 10_000

Field = tuple[str, str]


def urlencoded(body: bytes) -> list[Field]:
    """Names and values in order, percent-decoded. Raises `Malformed` for what is no UTF-8."""
    try:
        return parse_qsl(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS)
    except ValueError:
        raise errors.Malformed("The body cannot be read as a form in UTF-8.") from None


def multipart_fields(body: bytes, content_type: str) -> list[Field]:
    """Names and values of the parts in order; those with a file name are left out. Raises `Malformed`."""
    boundaries = [
        header_options.unquote(raw)
        for name, raw in header_options.split(content_type)[1]
        if name == "boundary"
    ]
    if len(boundaries) != 1 or not boundaries[0]:
        raise errors.Malformed("The Content-Type has no valid boundary.")
    fields: list[Field] = []
    try:
        parser = multipart.PushMultipartParser(
            boundaries[0], max_segment_count=MOST_FIELDS, content_length=len(body)
        )
        name, value, is_file = "", bytearray(), False
        for event in [*parser.parse(body), *parser.parse(b"")]:
            if isinstance(event, multipart.MultipartSegment):
                name, value, is_file = event.name, bytearray(), event.filename is not None
            elif event:
                value += event
            elif not is_file:
                fields.append((name, value.decode()))
    except (multipart.MultipartError, ValueError):
        raise errors.Malformed("The multipart body cannot be read.") from None
    return fields


def fingerprint(fields: Sequence[Field]) -> bytes:
    """What tells these fields from others, however they were wrapped: each retry makes a new boundary."""
    digest = hashlib.sha256()
    for text in (part for field in fields for part in field):
        data = text.encode(errors="surrogatepass")
        digest.update(len(data).to_bytes(4, "big") + data)
    return digest.digest()
