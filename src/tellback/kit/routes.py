"""Litestar applications whose handlers are plain ASGI: routing by Litestar, words by the surface.

Each path takes every method, because a surface decides the order of its checks itself (a dialect may have to
answer 401 before 405).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import unquote

from litestar import Litestar, Request, Response, asgi
from litestar.exceptions import HTTPException
from litestar.handlers import ASGIRouteHandler

from tellback.core import errors
from tellback.kit.answers import Answer, App

_METHOD = "tellback.method"
_PATH = "tellback.path"
#: Stands for a %2F inside a part of the path while Litestar splits it; no decoded path can hold it.
_SLASH = "\udc2f"


def route(path: str, app: App) -> ASGIRouteHandler:
    """`app` at `path`; `{name:str}` parts are in `scope["path_params"]`."""

    async def handler(scope: Any, receive: Any, send: Any) -> None:
        scope["method"] = scope.pop(_METHOD)
        scope["path"] = scope.pop(_PATH)
        parts = scope["path_params"]
        for name, part in parts.items():
            if _SLASH in part:
                parts[name] = part.replace(_SLASH, "/")
        await app(scope, receive, send)

    return asgi(path, copy_scope=False)(handler)


def application(refusal: Callable[[errors.HubError], Answer], handlers: Sequence[ASGIRouteHandler]) -> App:
    """The routes as one application that never answers in Litestar's words."""

    def refused(_: Request[Any, Any, Any], exception: Exception) -> Response[bytes]:
        if isinstance(exception, HTTPException) and exception.status_code < 500:
            return _response(refusal(errors.NotFound("There is nothing at this address.")))
        raise exception  # the front answers 500 in the surface's words and logs it

    litestar = Litestar(
        list(handlers),
        exception_handlers={Exception: refused},
        openapi_config=None,
        logging_config=None,
        debug=False,
    )

    async def by_path_alone(scope: Any, receive: Any, send: Any) -> None:
        # Litestar 2.25 files the path parameters of an ASGI handler under "asgi" and looks them up under the
        # method, if there is one. So it is shown none.
        scope[_METHOD] = scope["method"]
        scope["method"] = ""
        scope[_PATH] = scope["path"]
        raw: bytes = scope.get("raw_path") or b""
        if b"%2F" in raw or b"%2f" in raw:
            scope["path"] = _split_as_sent(raw)
        await litestar(scope, receive, send)

    return by_path_alone


def _split_as_sent(raw: bytes) -> str:
    """The decoded path; a slash that came percent-encoded belongs to its part (RFC 3986, section 2.2)."""
    parts = raw.partition(b"?")[0].decode("latin-1").split("/")
    return "/".join(unquote(part).replace("/", _SLASH) for part in parts)


def _response(answer: Answer) -> Response[bytes]:
    headers = {name.decode(): value.decode() for name, value in answer.headers}
    # Litestar puts a charset behind every text type, whether there is one or not.
    media_type = answer.media_type.decode().partition(";")[0]
    return Response(answer.body, status_code=answer.status, headers=headers, media_type=media_type)
