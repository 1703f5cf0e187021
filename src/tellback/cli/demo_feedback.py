"""The demo's feedback, sent in the way its customers' programs would: over HTTP, one after the other."""

from __future__ import annotations

import http.client
import importlib.resources
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlsplit

import yaml

_PAGE = 1000
_BOUNDARY = "tellback-demo-1f0c9a"


class Unexpected(Exception):
    """The hub answered in a way the demo did not foresee."""


@dataclass(frozen=True)
class Feedback:
    """What one customer sends: a body for `project`/`source`, and files by parameter."""

    project: str
    source: str
    post: Mapping[str, Any]
    files: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    refused: bool = False


@dataclass(frozen=True)
class Client:
    """A hub at `address`, its API keys by project/source, and an access token of its own API."""

    address: str
    keys: Mapping[str, str]
    token: str = field(repr=False)

    def fill(self, told: Sequence[Feedback], stored: int) -> None:
        """Post all of `told` but the first `stored` tickets' worth. Raises `Unexpected`, `OSError`.

        With fixed idempotency keys: a fill that was interrupted goes on, and one that is repeated does nothing.
        """
        taken = 0
        for number, feedback in enumerate(told):
            taken += not feedback.refused
            if taken > stored:
                self._post(feedback, f"demo-{number}")

    def tickets(self) -> Iterator[dict[str, Any]]:
        """Every ticket there is, oldest first. Raises `Unexpected`, `OSError`."""
        after = ""
        while True:
            page = self._call(
                "GET", f"/hub/v1/tickets?limit={_PAGE}{after}", {"Authorization": f"Bearer {self.token}"}
            )
            yield from page["data"]
            if page["next"] is None:
                return
            after = f"&after={quote(page['next'])}"

    def _post(self, feedback: Feedback, key: str) -> None:
        path = f"/api/v1/projects/{feedback.project}/feedback/{feedback.source}"
        secret = self.keys[f"{feedback.project}/{feedback.source}"]
        headers = {"Content-Type": "application/json", "Authorization": secret, "Idempotency-Key": key}
        body = json.dumps(feedback.post).encode()
        answer = self._call("POST", path, headers, body, refused=feedback.refused)
        for parameter, file in feedback.files.items():
            element = next(one for one in answer["fileElements"] if one["parameter"] == parameter)
            sent = {
                "Content-Type": f"multipart/form-data; boundary={_BOUNDARY}",
                "Authorization": secret,
                "Idempotency-Key": f"{key}-{parameter}",
            }
            self._call("POST", urlsplit(element["url"]).path, sent, _multipart(file["name"], file["text"]))

    def _call(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: bytes | None = None,
        *,
        refused: bool = False,
    ) -> Any:
        where = urlsplit(self.address)
        connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=30)
        try:
            connection.request(method, path, body, dict(headers))
            answer = connection.getresponse()
            content = answer.read()
        except http.client.HTTPException as error:
            raise Unexpected(f"{method} {path}: {type(error).__name__}") from error
        finally:
            connection.close()
        if refused != (400 <= answer.status < 500) or answer.status >= 500:
            raise Unexpected(f"{method} {path} was answered {answer.status}: {content[:500]!r}")
        return json.loads(content)


def bundled() -> list[Feedback]:
    """The feedback that comes with tellback, in the order it is to be sent."""
    text = (importlib.resources.files(__package__) / "demo_data" / "feedback.yaml").read_text("utf-8")
    return [_feedback(one) for one in yaml.safe_load(text)]


def _feedback(one: Mapping[str, Any]) -> Feedback:
    project, source = one["to"].split("/")
    return Feedback(project, source, one["post"], one.get("files", {}), one.get("refused", False))


def _multipart(name: str, text: str) -> bytes:
    return (
        f"--{_BOUNDARY}\r\n"
        f'Content-Disposition: form-data; name="file"; filename="{name}"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n"
        f"{text}\r\n--{_BOUNDARY}--\r\n"
    ).encode()
