"""`POST /oauth2/token`: access tokens by client credentials (RFC 6749, section 4.4)."""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote_plus

from tellback.core import errors, intake, workspaces
from tellback.core.hub import Hub
from tellback.core.workspaces import Credential
from tellback.kit import answers, faults, logins
from tellback.kit.answers import Answer
from tellback.kit.call import Call
from tellback.kit.endpoint import as_hub_error
from tellback.kit.limits import Limits
from tellback.storage.errors import StorageError

FORM = "application/x-www-form-urlencoded"
BODY_LIMIT = 64 * 1024
NO_STORE = ((b"cache-control", b"no-store"), (b"pragma", b"no-cache"))

_CODES = {400: "invalid_request", 413: "invalid_request", 415: "invalid_request", 401: "invalid_client"}


class OAuthError(errors.HubError):
    """A refusal in the terms of RFC 6749, section 5.2; `basic` where HTTP Basic was used."""

    def __init__(self, code: str, message: str, *, basic: bool = False) -> None:
        super().__init__(message)
        self.code = code
        self.basic = basic


@dataclass(frozen=True, slots=True)
class Client:
    """The credentials of a request. Of Basic ones there may be two readings: as sent, and form-decoded."""

    readings: tuple[tuple[str, str], ...]
    basic: bool


@dataclass(frozen=True, slots=True)
class Tokens:
    """The handler of `/oauth2/token`."""

    hub: Hub
    limits: Limits

    def app(self) -> Callable[[Any, Any, Any], Awaitable[None]]:
        """Answers first and writes the intake log then, so that how long it takes says nothing of a client id."""

        async def run(scope: dict[str, Any], receive: Any, send: Any) -> None:
            call = Call(self.hub, "customergauge", scope, receive)
            error: errors.HubError | None = None
            try:
                answer = await self._answer(call)
            except (errors.HubError, StorageError) as fault:
                error = as_hub_error(fault)
                answer = refusal(error)
            await answers.send_answer(send, answer)
            if error is not None and call.credential is not None and isinstance(error, OAuthError):
                with suppress(StorageError):
                    await self.hub.commits.write(intake.RECORD, _logged(call, answer.status, error))

        return run

    async def _answer(self, call: Call) -> Answer:
        call.require_method("POST")
        form = await _form(call)
        client = _client(call, form)
        app = await self._authenticated(call, client)
        self.limits.check_credential(f"{app.workspace.id}:{app.id}", loopback=call.peer.loopback)
        if form.get("grant_type") != "client_credentials":
            if "grant_type" not in form:
                raise OAuthError("invalid_request", "The grant_type is missing.")
            raise OAuthError("unsupported_grant_type", "The grant_type must be client_credentials.")
        if form.get("scope"):
            raise OAuthError("invalid_scope", "There are no scopes here.")
        token = await workspaces.app_tokens.issue(call.hub.db, call.hub.configuration, app)
        body = {"access_token": token, "token_type": "Bearer", "expires_in": workspaces.app_tokens.LIFETIME_S}
        return answers.of_json(200, body, NO_STORE)

    async def _authenticated(self, call: Call, client: Client) -> Credential:
        for client_id, secret in client.readings:
            known, own = await workspaces.app_tokens.known_app(
                self.hub.db, self.hub.configuration, client_id, secret
            )
            call.credential = known or call.credential
            if known is not None and own and known.enabled:
                return known
        raise OAuthError(
            "invalid_client", "The client is unknown or its secret is wrong.", basic=client.basic
        )


def refusal(error: errors.HubError) -> Answer:
    """RFC 6749, section 5.2: {"error", "error_description"}."""
    headers = (*faults.headers_of(error), *NO_STORE)
    if isinstance(error, OAuthError):
        status, code = (401 if error.code == "invalid_client" else 400), error.code
        if error.basic:
            headers = (*headers, (b"www-authenticate", b'Basic realm="oauth2"'))
    else:
        status = faults.status_of(error)
        code = _CODES.get(status, "temporarily_unavailable" if status in (429, 503) else "invalid_request")
        code = "server_error" if status == 500 else code
    return answers.of_json(status, {"error": code, "error_description": error.message}, headers)


async def _form(call: Call) -> dict[str, str]:
    """The body's parameters. RFC 6749, section 3.2: none may stand in it twice, and empty ones count as absent."""
    try:
        call.require_media_type(FORM)
    except errors.Unsupported as other:
        raise OAuthError("invalid_request", other.message) from None
    body = await call.read_body(BODY_LIMIT)
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=100)
    except ValueError:
        raise OAuthError("invalid_request", "The body is not a form in UTF-8.") from None
    if len({name for name, _ in pairs}) != len(pairs):
        raise OAuthError("invalid_request", "A parameter is there twice.")
    return {name: value for name, value in pairs if value}


def _client(call: Call, form: dict[str, str]) -> Client:
    """Who asks: by HTTP Basic or in the body, not both (RFC 6749, section 2.3)."""
    header = call.header(b"authorization")
    if header is not None and header.strip().partition(" ")[0].lower() == "basic":
        return _basic(header, form)
    if header is not None:
        raise OAuthError("invalid_request", "Authorization must be Basic here.")
    if "client_id" not in form or "client_secret" not in form:
        raise OAuthError("invalid_client", "The client_id or the client_secret is missing.")
    return Client(((form["client_id"], form["client_secret"]),), basic=False)


def _basic(header: str, form: dict[str, str]) -> Client:
    login = logins.basic(header)
    if login is None:
        raise OAuthError("invalid_client", "The Authorization header is no Basic login.", basic=True)
    client_id, secret = login
    readings = [login]
    # RFC 6749, section 2.3.1 form-encodes them; most clients do not.
    if any(sign in client_id + secret for sign in "%+"):
        readings.append((unquote_plus(client_id), unquote_plus(secret)))
    if "client_secret" in form or form.get("client_id", client_id) not in [one for one, _ in readings]:
        raise OAuthError(
            "invalid_request", "The client is named twice: in the body and in the Authorization header."
        )
    return Client(tuple(readings), basic=True)


def _logged(call: Call, status: int, error: OAuthError) -> intake.NewEntry:
    """The refusal without its body, which holds a secret."""
    return dataclasses.replace(call.entry(status, error), body=None)
