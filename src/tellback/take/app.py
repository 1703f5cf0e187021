"""The survey page's routes."""

from __future__ import annotations

from contextlib import suppress

from tellback import settings
from tellback.core import errors
from tellback.core.hub import Hub
from tellback.kit import answers
from tellback.kit.answers import Answer
from tellback.kit.call import Call
from tellback.kit.dispatch import Surface
from tellback.kit.front import peer_of
from tellback.kit.limits import Limiter
from tellback.kit.routes import application, route
from tellback.storage.errors import StorageError
from tellback.take import pages
from tellback.take.opinions import Opinions
from tellback.take.taking import Taking

#: Of what one address may ask for, the part that may be new sessions.
STARTS = 10


def surface(hub: Hub) -> Surface:
    """Everything below /take."""
    pages.style()  # read once, here, and not in a visitor's request
    taking = Taking.of(hub, starts(hub.settings))
    app = application(
        pages.refusal,
        [route("/take/{token:str}", _page(Opinions(hub), taking)), route("/take/assets/{name:str}", _asset)],
    )
    return Surface("take", ("/take",), _private(app, hub), pages.refusal)


def _page(opinions: Opinions, taking: Taking) -> answers.App:
    """What a token opens: the question after an answer, or a survey."""

    async def app(scope: answers.Scope, receive: answers.Receive, send: answers.Send) -> None:
        call = Call(opinions.hub, "take", dict(scope), receive)
        # A survey may be in memory; else its page says that the database is away.
        with suppress(StorageError):
            page = await opinions.page(call.path_part("token"))
            if page is not None:
                await answers.send_answer(send, await opinions.answer(call, page))
                return
        await taking.app(scope, receive, send)

    return app


def starts(config: settings.Settings) -> Limiter | None:
    """How many sessions one address may start; off where requests of an address are not limited."""
    rate = config.address_rate
    if rate is None:
        return None
    return Limiter(settings.Rate(max(1, rate.limit // STARTS), rate.window), workers=config.workers)


def _private(app: answers.App, hub: Hub) -> answers.App:
    """`app` over TLS alone, so that nobody on the way reads answers. The operator may say otherwise."""
    config = hub.settings

    async def guard(scope: answers.Scope, receive: answers.Receive, send: answers.Send) -> None:
        peer = peer_of(scope)
        if peer.scheme == "https" or config.allow_http_pages or (config.dev and peer.loopback):
            await app(scope, receive, send)
        else:
            await answers.send_answer(send, pages.not_private())

    return guard


async def _asset(scope: answers.Scope, _receive: answers.Receive, send: answers.Send) -> None:
    """The style sheet. Its name changes with its content, so it may be kept for good."""
    name, content = pages.style()
    if scope["path_params"]["name"] != name:
        await answers.send_answer(send, pages.refusal(errors.NotFound("There is no such file.")))
        return
    headers = ((b"cache-control", b"public, max-age=31536000, immutable"),)
    await answers.send_answer(send, Answer(200, content, b"text/css; charset=utf-8", headers))
