"""A page's address: the handshake that subscribes it, and the deliveries that follow."""

from __future__ import annotations

from dataclasses import dataclass

from tellback.core import errors, reviews, workspaces
from tellback.core.reviews import Page
from tellback.dialects.meta import wire
from tellback.kit import answers, strict_json
from tellback.kit.answers import Answer
from tellback.kit.call import Call
from tellback.kit.endpoint import Runner

RECEIVED = Answer(200, b"EVENT_RECEIVED", answers.PLAIN)


@dataclass(frozen=True, slots=True)
class Pages:
    """The handler of `/meta/<page key>`."""

    runner: Runner

    async def answer(self, call: Call) -> Answer:
        """GET: the handshake. POST: a delivery."""
        page = await self._page(call)
        call.require_method("GET", "HEAD", "POST")
        if call.method != "POST":
            return _handshake(call, page)
        return await self._receive(call, page)

    async def _page(self, call: Call) -> Page:
        """The page in the address, noted on the call. Raises `NotFound`, `RateLimited`."""
        key = call.path_part("page")
        # A key is at most 100 characters; what cannot be stored is nobody's.
        page = None
        if len(key) <= 100 and "\x00" not in key:
            page = await reviews.find_page(call.hub.db, call.hub.configuration, key)
        if page is None:
            raise errors.NotFound("There is no such page.")
        call.credential = workspaces.Credential(
            page.workspace, page.id, "page", page.key, True, (), frozenset(), None
        )
        call.notes.target = page.key
        self.runner.limits.check_credential(
            f"page:{page.workspace.id}:{page.id}", loopback=call.peer.loopback
        )
        return page

    async def _receive(self, call: Call, page: Page) -> Answer:
        body = await call.read_body()
        if not reviews.rules.signed(page, body, call.header(b"x-hub-signature-256") or ""):
            call.body = b""  # nobody answers for it, so nothing of it is kept
            raise errors.Unauthenticated("The delivery is not signed with this page's app secret.")
        # The signature says who sent it, and the payload is JSON alone: one that names no type loses nothing.
        if call.header(b"content-type") is not None:
            call.require_media_type("application/json")
        read = wire.delivery(strict_json.loads(body), page.page_id)
        call.notes.mapped = read
        if read.noted:
            call.notes.hint = f"Not stored: {'; '.join(read.noted)}."
        new = reviews.Delivery(page, read.changes)
        return await self.runner.store(call, reviews.RECEIVE, new, lambda _: RECEIVED, None, 200)


def _handshake(call: Call, page: Page) -> Answer:
    """Meta subscribes a page: whoever knows the verify token gets the challenge back."""
    token, challenge = call.query_value("hub.verify_token"), call.query_value("hub.challenge")
    opens = reviews.rules.verified(page, token or "")
    if call.query_value("hub.mode") != "subscribe" or challenge is None or not opens:
        raise errors.Forbidden("The verify token is not this page's.")
    return Answer(200, challenge.encode("utf-8", "replace"), answers.PLAIN)
