"""Verbs on responses: a session that ends becomes one, with everything that follows, in one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tellback.core import changes, errors, intake, people, surveys, tickets
from tellback.core.responses import queries, rules
from tellback.core.responses.model import Completed, Completion, NewResponse
from tellback.core.surveys import Respondent, Session, Survey, Version
from tellback.storage.database import Transaction


@dataclass(frozen=True, slots=True)
class _Whose:
    """Who a session's respondent is: members of the response, and what the log is told."""

    members: dict[str, Any]
    news: list[changes.NewChange]
    note: str | None

    @property
    def contact_id(self) -> int | None:
        contact: int | None = self.members["contact_id"]
        return contact


async def _complete(
    tx: Transaction, completions: Sequence[Completion], entries: Sequence[intake.NewEntry]
) -> Sequence[Completed | errors.HubError]:
    first = await surveys.queries.complete_many(tx, [one.move for one in completions])
    places = sorted(first)
    won = [completions[place] for place in places]
    outcomes: list[Completed | errors.HubError] = [errors.Conflict(surveys.LOST) for _ in completions]
    if not won:
        return outcomes
    whose = await _respondents(tx, [(one.survey, one.move.session) for one in won])
    new = [
        rules.response(
            one.survey, one.version, one.move.session, one.move.answers, complete=True, whose=who.members
        )
        for one, who in zip(won, whose, strict=True)
    ]
    logged = [
        replace(entries[place], submitter=who.note) if who.note else entries[place]
        for place, who in zip(places, whose, strict=True)
    ]
    ids = await queries.record_many(tx, new, logged)
    filed = await _file_tickets(tx, won, whose)
    news = [
        (one.survey.workspace_id, [*who.news, *_news(one.survey, one.move.session, response, id, one.hops)])
        for one, who, response, id in zip(won, whose, new, ids, strict=True)
    ]
    await _record_news(tx, news)
    for place, id, ticket in zip(places, ids, filed, strict=True):
        outcomes[place] = Completed(id, ticket)
    return outcomes


#: Last moves of sessions, with their log entries: the response, its contact and account, perhaps a ticket.
#: Of two that were judged at the same step, the later is a `Conflict`.
COMPLETE: intake.Intake[Completion, Completed] = intake.intake("session completions", _complete)


async def put_away_idle(tx: Transaction, longest_idle: float, limit: int = 500) -> int:
    """Close up to `limit` sessions that stood still for over `longest_idle` seconds; gives how many.

    What was answered in them is kept as responses that are not complete. For upkeep, with any number of
    processes at it.
    """
    idle = await surveys.queries.put_away(tx, longest_idle, limit)
    abouts = await _abouts(tx, idle)
    answered = [
        (*abouts[session.workspace_id, session.survey_id, session.version], session)
        for session in idle
        if session.answers
    ]
    if not answered:
        return len(idle)
    whose = await _respondents(tx, [(survey, session) for survey, _, session in answered])
    new = [
        rules.response(survey, version, session, session.answers, complete=False, whose=who.members)
        for (survey, version, session), who in zip(answered, whose, strict=True)
    ]
    ids = await queries.record_many(tx, new)
    news = [
        (session.workspace_id, [*who.news, *_news(survey, session, response, id)])
        for (survey, _, session), who, response, id in zip(answered, whose, new, ids, strict=True)
    ]
    await _record_news(tx, news)
    return len(idle)


async def _abouts(
    tx: Transaction, sessions: Sequence[Session]
) -> dict[tuple[int, int, int], tuple[Survey, Version]]:
    """What sessions are about, by workspace, survey and version."""
    found: dict[tuple[int, int, int], tuple[Survey, Version]] = {}
    for key in {(one.workspace_id, one.survey_id, one.version) for one in sessions}:
        workspace_id, survey_id, number = key
        survey = await surveys.queries.survey_by_id(tx, workspace_id, survey_id)
        version = await surveys.queries.version(tx, workspace_id, survey_id, number)
        assert survey is not None  # neither is ever deleted
        assert version is not None
        found[key] = survey, version
    return found


async def _respondents(tx: Transaction, sessions: Sequence[tuple[Survey, Session]]) -> list[_Whose]:
    """Contact and account of each session's respondent, found or made; workspaces in one order everywhere."""
    found: dict[int, _Whose] = {}
    for workspace_id in sorted({session.workspace_id for _, session in sessions}):
        mine = [
            (place, survey, session.respondent)
            for place, (survey, session) in enumerate(sessions)
            if session.workspace_id == workspace_id and session.respondent is not None
        ]
        if mine:
            known = await _known(tx, workspace_id, [(survey, one) for _, survey, one in mine])
            found |= {place: whose for (place, _, _), whose in zip(mine, known, strict=True)}
    nobody = _Whose({"contact_id": None, "account_id": None, "segments": {}}, [], None)
    return [found.get(place, nobody) for place in range(len(sessions))]


async def _known(
    tx: Transaction, workspace_id: int, respondents: Sequence[tuple[Survey, Respondent | None]]
) -> list[_Whose]:
    named = [one.account for _, one in respondents if one and one.account]
    accounts = await people.know_accounts(tx, workspace_id, named)
    account_of = [
        accounts[people.account_key(one.account)] if one and one.account else None for _, one in respondents
    ]
    given = [
        rules.person(one, account.id if account else None)
        for (_, one), account in zip(respondents, account_of, strict=True)
    ]
    contacts = iter(await people.know_many(tx, workspace_id, [one for one in given if one is not None]))
    met = [next(contacts) if one is not None else None for one in given]
    ids = {one.account_id for one in met if one and one.account_id is not None}
    ids |= {one.id for one in account_of if one}
    segments = await people.queries.account_segments(tx, workspace_id, sorted(ids)) if ids else {}
    told: set[tuple[str, str]] = set()
    whose = []
    for (survey, _), contact, account in zip(respondents, met, account_of, strict=True):
        account_id = account.id if account else (contact.account_id if contact else None)
        copies: dict[str, Any] = {}
        if contact and contact.segments:
            copies["contact"] = contact.segments
        if account_id is not None and segments.get(account_id):
            copies["account"] = segments[account_id]
        members = {
            "contact_id": contact.contact_id if contact else None,
            "account_id": account_id,
            "segments": copies,
        }
        news = people.news_of([contact] if contact else [], [account] if account else [], rules.actor(survey))
        fresh = [one for one in news if (one.kind, one.subject_id) not in told]
        told |= {(one.kind, one.subject_id) for one in fresh}
        whose.append(_Whose(members, fresh, contact.note if contact else None))
    return whose


async def _file_tickets(
    tx: Transaction, won: Sequence[Completion], whose: Sequence[_Whose]
) -> list[tickets.Filed | None]:
    wanted = [rules.ticket(one, who.contact_id) for one, who in zip(won, whose, strict=True)]
    new = [one for one in wanted if one is not None]
    filed = iter(await tickets.queries.file_many(tx, new, ()) if new else ())
    return [next(filed) if one is not None else None for one in wanted]


def _news(
    survey: Survey, session: Session, response: NewResponse, id: int, hops: int = 0
) -> list[changes.NewChange]:
    who = rules.actor(survey)
    score = None if response.score is None else rules.number(response.score)
    recorded = {
        "survey": survey.id, "kind": response.kind, "score": score, "complete": response.complete,
        "channel": response.channel,
    }  # fmt: skip
    origin = {"hop": hops} if hops else None
    news = [changes.NewChange("response.recorded", "response", str(id), who, recorded, origin=origin)]
    if response.complete:
        data = {"survey": survey.id, "response": id}
        news.insert(
            0, changes.NewChange("session.completed", "session", session.token, who, data, origin=origin)
        )
    return news


async def _record_news(tx: Transaction, news: Iterable[tuple[int, list[changes.NewChange]]]) -> None:
    by_workspace: dict[int, list[changes.NewChange]] = {}
    for workspace_id, some in news:
        by_workspace.setdefault(workspace_id, []).extend(some)
    for workspace_id in sorted(by_workspace):
        await changes.record(tx, workspace_id, by_workspace[workspace_id])
