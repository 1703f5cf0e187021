"""One request of one browser to a survey's page: which survey, which session, and what the log is told."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote

from tellback.core import intake, surveys
from tellback.core.surveys import Session, Survey
from tellback.kit.answers import Header
from tellback.kit.call import Call
from tellback.take import forms, headers
from tellback.take.forms import Sent

#: What the log shows for the page's address; the real one opens the survey to whoever reads it.
ENDPOINT = "/take/{token}"


@dataclass(slots=True)
class Visit:
    """`token` is the session's, there or to be; `sent` is the form, once it is read."""

    call: Call
    survey: Survey | None = None
    token: str = ""
    sent: Sent | None = None

    @property
    def address(self) -> str:
        return f"/take/{quote(self.call.path_part('token'), safe='')}"

    @property
    def has_cookie(self) -> bool:
        """Whether the browser keeps our cookies: it brought one."""
        return forms.cookie(self.call.scope["headers"]) is not None

    @property
    def from_elsewhere(self) -> bool:
        """Whether another site's page sent the form."""
        peer, public = self.call.peer, self.call.hub.settings.public_url
        own = [f"{peer.scheme}://{peer.host}", *([public] if public else [])]
        return forms.from_elsewhere(self.call.header(b"sec-fetch-site"), self.call.header(b"origin"), own)

    @property
    def names_no_question(self) -> bool:
        """Whether a browser opens the survey's bare address.

        It is led on to the question's own: else its back button would come to the bare one, which always
        leads to the question to answer next, and never to the first. Scripts are shown the page at once.
        """
        call = self.call
        opens = call.header(b"sec-fetch-mode") == "navigate" and call.method == "GET"
        return opens and call.query_value("question") is None

    def cookie(self) -> Header:
        """The session's cookie, good for as long as a session may stand still."""
        framed = self.call.header(b"sec-fetch-dest") in ("iframe", "frame", "embed", "object")
        return headers.cookie(
            self.address,
            self.token,
            seconds=self.call.hub.settings.session_idle,
            secure=self.call.peer.scheme == "https",
            framed=framed and bool(self.survey and self.survey.embed_origins),
        )

    def renew(self) -> None:
        """From here on the visit is about a session of its own."""
        self.token = surveys.rules.new_token()

    def entry(self, survey: Survey, status: int, error: str | None = None) -> intake.NewEntry:
        """This request as the intake log shows it: of the session and of the page's address nothing."""
        call = self.call
        return intake.NewEntry(
            workspace_id=survey.workspace_id,
            request_id=call.peer.request_id,
            surface=call.surface,
            method=call.method,
            endpoint=ENDPOINT,
            credential=None,
            target=str(survey.id),
            status=status,
            error=error,
            hint=call.notes.hint or intake.rules.hint(status),
            body=intake.rules.loggable_body(call.body) if call.body else None,
        )


def not_yet_started(survey: Survey, token: str) -> Session:
    """A session as it will be when its first answer is stored: looking at a survey stores nothing."""
    return Session(
        workspace_id=survey.workspace_id,
        number=0,
        token=token,
        survey_id=survey.id,
        version=survey.version.number,
        channel="web",
        step=0,
        answers=(),
        respondent=None,
        metadata={},
        started_at=datetime.fromtimestamp(0, UTC),
        idle=0.0,
        complete=False,
        expired=False,
    )


def is_stored(session: Session) -> bool:
    return session.number != 0
