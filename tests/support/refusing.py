"""Servers of buckets with which something is wrong: they speak as S3 does, and note what they are asked."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

_ERROR = "<Error><Code>{}</Code><Message>canary</Message><AWSAccessKeyId>canary</AWSAccessKeyId></Error>"
_BEGUN = "<InitiateMultipartUploadResult><UploadId>u1</UploadId></InitiateMultipartUploadResult>"


@contextmanager
def keys() -> Iterator[str]:
    """Knows nobody's keys; its address."""

    class Refusing(_Handler):
        def answer(self) -> tuple[int, str]:
            return 403, _ERROR.format("InvalidAccessKeyId")

    with _serving(Refusing) as url:
        yield url


@contextmanager
def parts() -> Iterator[tuple[str, list[str]]]:
    """Takes everything but parts of uploads; its address, and a method and the names in the query of each request."""
    asked: list[str] = []

    class Failing(_Handler):
        def answer(self) -> tuple[int, str]:
            names = re.findall(r"[?&]([A-Za-z]+)", self.path)
            asked.append(" ".join([self.command, *names]))
            if "partNumber" in names:
                return 500, _ERROR.format("InternalError")
            return (200, _BEGUN) if names == ["uploads"] else (204, "")

    with _serving(Failing) as url:
        yield url, asked


@contextmanager
def empty() -> Iterator[str]:
    """Has nothing, not even a bucket, and does not say which it is; its address."""

    class Missing(_Handler):
        def answer(self) -> tuple[int, str]:
            return 404, ""

    with _serving(Missing) as url:
        yield url


@contextmanager
def silent() -> Iterator[str]:
    """Takes connections and never says a word; its address."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self) -> tuple[int, str]:
        raise NotImplementedError

    def handle_any(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        status, text = self.answer()
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = handle_any

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


@contextmanager
def _serving(handler: type[_Handler]) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join(5)
