"""The pages as HTML."""

from __future__ import annotations

import functools
import hashlib
import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any

from tellback.core import errors
from tellback.core.surveys import Survey
from tellback.core.tickets import satisfaction
from tellback.kit import faults
from tellback.kit.answers import Answer, Header
from tellback.take import forms, headers, steps
from tellback.take.forms import Sent
from tellback.take.steps import Step

HTML = b"text/html; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Hidden:
    """What a step's form brings back unseen."""

    session_id: str
    version: int
    question: int
    step: int


@dataclass(frozen=True, slots=True)
class Said:
    """What stands in a step's field, and what is said about it: an error to mend, or a notice."""

    text: str = ""
    choice: int | None = None
    error: str | None = None
    notice: str | None = None


def step(
    survey: Survey,
    action: str,
    at: Step,
    hidden: Hidden,
    said: Said,
    *,
    with_cookie: bool,
    status: int = 200,
    more: Sequence[Header] = (),
) -> Answer:
    """A question. Without a cookie the way back is a form, for only a form can bring the session along."""
    return _page(
        "question.html",
        status,
        survey,
        more,
        action=action,
        at=at,
        hidden=hidden,
        said=said,
        with_cookie=with_cookie,
        trap=forms.TRAP,
    )


def finish(survey: Survey, action: str, *, again: bool, more: Sequence[Header] = ()) -> Answer:
    """The end; with an offer to answer once more where the survey still takes answers."""
    return _page("finish.html", 200, survey, more, action=action, again=again)


def opinion(asked: satisfaction.Page, action: str, said: Said, status: int = 200) -> Answer:
    """The question that follows an answer."""
    wording = steps.Wording(asked.question.text, tuple(one.text for one in asked.question.answers))
    return _page(
        "opinion.html",
        status,
        None,
        (),
        asked=asked,
        wording=wording,
        action=action,
        said=said,
        trap=forms.TRAP,
    )


def opined(asked: satisfaction.Page, chosen: str) -> Answer:
    """The end of it: what is kept, which is the first choice."""
    return _page("opined.html", 200, None, (), asked=asked, chosen=chosen)


def kept(error: errors.HubError, survey: Survey | None, action: str, sent: Sent) -> Answer:
    """The answer could not be stored now: everything that was sent, ready to be sent again."""
    return _page(
        "retry.html", faults.status_of(error), survey, faults.headers_of(error), action=action, sent=sent
    )


def refusal(error: errors.HubError, survey: Survey | None = None, action: str | None = None) -> Answer:
    """An error that leads to no question. `action` is the survey's address where opening it may help."""
    title, text = _WORDS.get(type(error), _OTHERWISE)
    return _page(
        "message.html",
        faults.status_of(error),
        survey,
        faults.headers_of(error),
        title=title,
        text=text,
        action=action,
    )


def not_private() -> Answer:
    """The page was asked for over plain HTTP."""
    return _page(
        "message.html",
        403,
        None,
        (),
        title="This page needs a secure connection",
        text="Answers would travel where others can read them, so this survey opens over https:// alone. "
        "Try the address with https in front. If you run this hub: give it a certificate, name the proxy that has "
        "one as trusted, or allow plain HTTP with --allow-http-pages.",
        action=None,
    )


_OTHERWISE = (
    "That did not work",
    "Nothing was stored. Please go back and try again.",
)
_WORDS: dict[type[errors.HubError], tuple[str, str]] = {
    errors.NotFound: (
        "There is no survey here",
        "The survey may have ended, or the link may have been cut short. Please check the address you were given.",
    ),
    errors.Gone: (
        "This survey has ended",
        "You were away for long, and the survey has ended meanwhile. What you had answered is kept.",
    ),
    errors.Forbidden: (
        "This form was not sent from this survey's own page",
        "Nothing was stored. Please open the survey and answer there.",
    ),
    errors.MethodNotAllowed: (
        "This page can be opened and answered, nothing else",
        "Nothing was stored.",
    ),
    errors.TooLarge: ("That is too much", "Nothing was stored. Please go back and send a shorter text."),
    errors.RateLimited: (
        "A little too fast",
        "Many requests came from your network in a short time. Please wait a moment, go back and try again.",
    ),
    errors.Unavailable: (
        "The survey is not available right now",
        "What you have answered is safe. Please try again in a few seconds.",
    ),
    faults.Unexpected: (
        "Something went wrong on our side",
        "Please go back and try again.",
    ),
}


def _page(
    template: str, status: int, survey: Survey | None, more: Sequence[Header], **members: Any
) -> Answer:
    origins = survey.embed_origins if survey else ()
    text = _templates().get_template(template).render(survey=survey, style=style()[0], **members)
    return Answer(status, text.encode("utf-8", "replace"), HTML, (*headers.page(origins), *more))


@functools.cache
def _templates() -> Any:
    # Imported with the first page: at the start it would cost 0.1 s of every process.
    jinja2 = importlib.import_module("jinja2")
    return jinja2.Environment(
        loader=jinja2.PackageLoader("tellback.take"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )


@functools.cache
def style() -> tuple[str, bytes]:
    """The style sheet's name, which tells its content, and the content."""
    content = resources.files("tellback.take").joinpath("page.css").read_bytes()
    return f"page-{hashlib.sha256(content).hexdigest()[:12]}.css", content
