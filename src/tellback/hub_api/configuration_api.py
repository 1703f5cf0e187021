"""`/hub/v1/configuration`: the provisioning document, read and applied."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from typing import Any

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from litestar import Request, Response, get, put

from tellback.core import errors, intake, provisioning
from tellback.core.actor import Actor
from tellback.core.hub import Hub
from tellback.hub_api import access, filters, writes
from tellback.kit import answers, endpoint, strict_json
from tellback.kit.answers import Answer
from tellback.kit.call import Call
from tellback.kit.endpoint import Runner
from tellback.storage.database import Transaction

YAML = ("application/yaml", "application/x-yaml", "text/yaml")  # RFC 9512, section 2.1
_PRIVATE = ((b"cache-control", b"no-store"),)
_NONCE = 12


class ConfigurationChange(msgspec.Struct, omit_defaults=True):
    """One thing that differs. Members are {"old", "new"}; of secret ones it is told only that they do."""

    path: str
    change: str
    members: dict[str, dict[str, Any]] | msgspec.UnsetType = msgspec.UNSET


class ConfigurationOutcome(msgspec.Struct):
    """What changed, or would change; and the secrets that were made or given, by section and name."""

    changed: list[ConfigurationChange]
    secrets: dict[str, dict[str, str]]


@get("/configuration", summary="The provisioning document, without secrets")
async def read_configuration(request: Request[Any, Any, Any], hub: Hub) -> dict[str, Any]:
    """Applying it changes nothing."""
    known = await access.bearer(request, "hub_read")
    access.only(request)
    async with hub.db.reading() as reader:
        return await provisioning.show(reader, known.workspace.slug)


@put(
    "/configuration",
    summary="Make the workspace be as a document says, wholly or not at all",
    operation_class=writes.describes({"type": "object", "description": "The provisioning document."}),
)
async def write_configuration(
    request: Request[Any, Any, Any], hub: Hub, dry_run: str | None = None, prune: str | None = None
) -> Response[ConfigurationOutcome]:
    """As `tellback apply`, in JSON or YAML. What the document does not mention stays; with `prune` it is archived.

    With `dry_run` it says what would change. Secrets that were made are shown this once, and again to who repeats
    the request under its `Idempotency-Key`.
    """

    async def work(call: Call, runner: Runner) -> Answer:
        access.only(request, "dry_run", "prune")
        trial = filters.truth("dry_run", dry_run) or False
        pruning = filters.truth("prune", prune) or False
        document, fingerprint = await _document(call)
        if trial:
            outcome = await provisioning.apply(hub.db, document, dry_run=True, prune=pruning)
            return _shown(outcome)
        return await _applied(call, runner, document, fingerprint, pruning)

    return await writes.answered(request, "hub_write", work)


async def _document(call: Call) -> tuple[provisioning.Document, bytes]:
    """The body as a document of the token's workspace, and its fingerprint. Its faults are left for `apply` to tell."""
    assert call.credential is not None
    slug = call.credential.workspace.slug
    if call.media_type not in (*YAML, "application/json"):
        raise errors.Unsupported("The content type must be application/json or application/yaml.")
    body = await call.read_body()
    fingerprint, call.body = call.fingerprint(), b""  # the log must not keep a document full of secrets
    call.notes.target, call.notes.contents = slug, f"a configuration document of {len(body)} bytes"
    # In a thread, because a large file takes seconds to read.
    if call.media_type in YAML:
        document = await asyncio.to_thread(provisioning.read, body, "body")
    else:
        document = await asyncio.to_thread(provisioning.read_value, strict_json.loads(body), "body")
    if "workspace" in document.values and document.values["workspace"].slug != slug:
        raise errors.Invalid(
            [errors.Fault("workspace.slug", f"The access token is one of the workspace {slug!r}.")]
        )
    return document, fingerprint


async def _applied(
    call: Call, runner: Runner, document: provisioning.Document, fingerprint: bytes, prune: bool
) -> Answer:
    assert call.credential is not None
    workspace_id, name = call.credential.workspace.id, call.credential.name
    seal = _Seal(call)

    async def once(key: intake.Key | None) -> Answer:
        async def effect(tx: Transaction) -> Answer:
            if key is not None and not await intake.queries.claim(tx, [(workspace_id, key)]):
                raise errors.Conflict(
                    "Another request with this idempotency key was quicker; repeat this one."
                )
            outcome = await provisioning.apply_in(
                tx, document, prune=prune, actor=Actor(f"access token {name}")
            )
            _refuse_lockout(outcome, name)
            await intake.queries.record(tx, [call.entry(200)])
            answer = _shown(outcome)
            if key is not None:
                kept = intake.KeptAnswer(200, _headers(answer), seal.closed(answer.body))
                await intake.queries.keep(tx, [(workspace_id, key, kept)])
            return answer

        return await runner.hub.db.write(effect)

    answer = await runner.once(call, lambda: fingerprint, once)
    if any(header == b"idempotent-replayed" for header, _ in answer.headers):
        return Answer(answer.status, seal.opened(answer.body), answer.media_type, answer.headers)
    return answer


def _refuse_lockout(outcome: provisioning.Outcome, name: str) -> None:
    """Nobody saws off the branch they sit on: who prunes the token of the request could not put it right again."""
    if any(c.path == f"access_tokens.{name}" and c.verb == "archived" for c in outcome.changed):
        raise errors.Conflict(
            f"This would archive {name}, the access token that the request came with. Name it under access_tokens."
        )


def _shown(outcome: provisioning.Outcome) -> Answer:
    return answers.of_json(200, outcome.as_json(), _PRIVATE)


def _headers(answer: Answer) -> dict[str, str]:
    given = {name.decode("latin-1"): value.decode("latin-1") for name, value in answer.headers}
    return given | {"content-type": answer.media_type.decode()}


class _Seal:
    """Closes a kept answer, so that the database holds no secret in it that could be read.

    The key is made of what only the caller knows: the access token and the idempotency key.
    """

    def __init__(self, call: Call) -> None:
        known = (call.header(b"authorization") or "", endpoint.idempotency_key(call) or "")
        self._cipher = AESGCM(hashlib.sha256("\0".join(("tellback answer", *known)).encode()).digest())

    def closed(self, body: bytes) -> bytes:
        nonce = secrets.token_bytes(_NONCE)
        return nonce + self._cipher.encrypt(nonce, body, None)

    def opened(self, kept: bytes) -> bytes:
        """Raises `KeyReused` for an answer to another token."""
        try:
            return self._cipher.decrypt(kept[:_NONCE], kept[_NONCE:], None)
        except InvalidTag:
            raise errors.KeyReused("This idempotency key was used with another access token.") from None
