"""SQL of surveys and sessions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from tellback.core.intake import NewEntry
from tellback.core.intake import queries as intake_queries
from tellback.core.projects import queries as project_queries
from tellback.core.surveys import rules
from tellback.core.surveys.model import (
    Given,
    LowScoreTicket,
    Move,
    NewSession,
    Respondent,
    Session,
    Survey,
    Version,
)
from tellback.storage.database import Reader, Row, Transaction

_SURVEY = """
select s.*, v.questions
from surveys s
join survey_versions v on v.workspace_id = s.workspace_id and v.survey_id = s.id and v.version = s.version
"""


async def survey_by_id(reader: Reader, workspace_id: int, survey_id: int) -> Survey | None:
    """A survey in whatever state."""
    row = await reader.fetchrow(f"{_SURVEY} where s.workspace_id = $1 and s.id = $2", workspace_id, survey_id)
    return await _survey(reader, row) if row else None


async def survey_by_take_token(reader: Reader, take_token: str) -> Survey | None:
    """The survey of a public page, in whatever workspace and state."""
    row = await reader.fetchrow(f"{_SURVEY} where s.take_token = $1", take_token)
    return await _survey(reader, row) if row else None


async def deployed(reader: Reader, workspace_id: int) -> list[tuple[int, str]]:
    """Id and description of the deployed surveys, by id."""
    rows = await reader.fetch(
        """
        select id, description from surveys
        where workspace_id = $1 and state = 'deployed' and archived_at is null order by id
        """,
        workspace_id,
    )
    return [(row["id"], row["description"]) for row in rows]


async def version(reader: Reader, workspace_id: int, survey_id: int, number: int) -> Version | None:
    """A version of a survey, an old one too."""
    questions = await reader.fetchval(
        "select questions from survey_versions where workspace_id = $1 and survey_id = $2 and version = $3",
        workspace_id, survey_id, number,
    )  # fmt: skip
    return None if questions is None else rules.compiled(number, msgspec.json.decode(questions))


async def _survey(reader: Reader, row: Row) -> Survey:
    return Survey(
        workspace_id=row["workspace_id"],
        id=row["id"],
        title=row["title"],
        description=row["description"],
        channels=frozenset(row["channels"]),
        state="closed" if row["archived_at"] else row["state"],
        version=rules.compiled(row["version"], msgspec.json.decode(row["questions"])),
        take_token=row["take_token"],
        embed_origins=tuple(row["embed_origins"]),
        ticket=await _ticket(reader, row["workspace_id"], row["tickets"]),
    )


async def _ticket(reader: Reader, workspace_id: int, stored: str | None) -> LowScoreTicket | None:
    """What a low score makes; nothing once the feedback type is archived."""
    if stored is None:
        return None
    wanted = msgspec.json.decode(stored)
    project_key = await project_queries.project_key(reader, workspace_id, wanted["project_id"])
    types = await project_queries.feedback_types(reader, workspace_id, wanted["project_id"])
    if project_key is None or wanted["type_id"] not in types:
        return None
    return LowScoreTicket(
        wanted["project_id"],
        project_key,
        types[wanted["type_id"]],
        wanted["score_below"],
        wanted.get("default_submitter"),
    )


# One statement: a started session is one row and its line in the log. A token that is taken starts nothing,
# also where two of one batch bring it. $1-$7 the sessions, from $8 the log.
_START = f"""
with new as (
  select * from unnest($1::bigint[], $2::text[], $3::bigint[], $4::int[], $5::text[], $6::text[], $7::text[])
    with ordinality as new (workspace_id, token, survey_id, version, channel, respondent, metadata, n)
), started as (
  insert into sessions (workspace_id, token, survey_id, version, channel, respondent, metadata)
  select workspace_id, token, survey_id, version, channel, respondent::jsonb, metadata::jsonb
  from new order by n
  on conflict (workspace_id, token) do nothing
  returning workspace_id, token
), first as (
  select min(n) as n from new join started using (workspace_id, token) group by workspace_id, token
), logged as (
  {intake_queries.entry_insert()} from {intake_queries.entry_source(8)} join first using (n)
)
select n from first
"""


async def start_many(tx: Transaction, new: Sequence[NewSession], entries: Sequence[NewEntry]) -> set[int]:
    """Store the new sessions whose token is free, with their log entries; gives their places. One statement."""
    rows = await tx.fetch(
        _START,
        [one.workspace_id for one in new],
        [one.token for one in new],
        [one.survey_id for one in new],
        [one.version for one in new],
        [one.channel for one in new],
        [_json(one.respondent) if one.respondent else None for one in new],
        [_json(one.metadata) for one in new],
        *intake_queries.entry_arrays(entries),
    )
    return {row["n"] - 1 for row in rows}


# Only who still finds the step it was judged at moves a session; whatever ends one raises its step. Rows are
# locked in one order everywhere; of two replies to one session in a batch the update takes one. `now()` becomes
# the last answer's time. $1-$5 the moves.
# Each row is looked up by itself and by its token (lateral; `for update` keeps it so): a plan made while the
# table was empty is kept while it grows, and must be the right one from the start (tests/core/test_surveys_plans).
_MOVED = """
mine as (
  select found.* from (
    select distinct * from unnest($1::bigint[], $2::text[]) as k (workspace_id, token) order by 1, 2
  ) k cross join lateral (
    select workspace_id, token from sessions s
    where s.workspace_id = k.workspace_id and s.token = k.token for update
  ) found
), moved as (
  update sessions s
  set answers = jsonb_set(new.answers::jsonb, '{-1,at}', to_jsonb(now())), step = s.step + 1,
      active_at = now(), completed_at = case when new.complete then now() end
  from unnest($1::bigint[], $2::text[], $3::int[], $4::text[], $5::bool[]) with ordinality
    as new (workspace_id, token, step, answers, complete, n)
  join mine using (workspace_id, token)
  where s.workspace_id = new.workspace_id and s.token = new.token and s.step = new.step
  returning new.n
)
"""
_MOVE = f"""
with {_MOVED}, logged as (
  {intake_queries.entry_insert()} from {intake_queries.entry_source(6)} join moved using (n)
)
select n from moved
"""
_COMPLETE = f"with {_MOVED} select n from moved"


async def move_many(tx: Transaction, moves: Sequence[Move], entries: Sequence[NewEntry]) -> set[int]:
    """Store the moves that come first, with their log entries; gives their places. One statement."""
    rows = await tx.fetch(_MOVE, *_moves(moves), *intake_queries.entry_arrays(entries))
    return {row["n"] - 1 for row in rows}


async def complete_many(tx: Transaction, moves: Sequence[Move]) -> set[int]:
    """Store the last moves of sessions, those that come first; gives their places."""
    return {row["n"] - 1 for row in await tx.fetch(_COMPLETE, *_moves(moves))}


def _moves(moves: Sequence[Move]) -> list[list[Any]]:
    return [
        [move.session.workspace_id for move in moves],
        [move.session.token for move in moves],
        [move.session.step for move in moves],
        [_answers(move.answers) for move in moves],
        [move.next is None for move in moves],
    ]


_SESSION_COLUMNS = """
s.workspace_id, s.number, s.token, s.survey_id, s.version, s.channel, s.step, s.answers, s.respondent,
s.metadata, s.started_at, extract(epoch from now() - s.active_at)::float8 as idle,
s.completed_at is not null as complete, s.expired_at is not null as expired
"""


_READ = f"""
select s.* from unnest($1::bigint[], $2::text[]) as wanted (workspace_id, token)
cross join lateral (
  select {_SESSION_COLUMNS} from sessions s
  where s.workspace_id = wanted.workspace_id and s.token = wanted.token limit 1
) s
"""


async def sessions_by_token(
    reader: Reader, wanted: Sequence[tuple[int, str]]
) -> Mapping[tuple[int, str], Session]:
    """Sessions by workspace and token, as they stand."""
    rows = await reader.fetch(
        _READ,
        [workspace_id for workspace_id, _ in wanted],
        [token for _, token in wanted],
    )
    return {(row["workspace_id"], row["token"]): _session(row) for row in rows}


async def put_away(tx: Transaction, longest_idle: float, limit: int) -> list[Session]:
    """Mark up to `limit` sessions, of all workspaces, that stood still for over `longest_idle` seconds.

    Sessions that somebody is answering right now are left for the next time.
    """
    rows = await tx.fetch(
        f"""
        with idle as (
          select workspace_id, number from sessions
          where completed_at is null and expired_at is null
            and started_at < now() - make_interval(secs => $1) and active_at < now() - make_interval(secs => $1)
          order by started_at limit $2 for update skip locked
        )
        update sessions s set expired_at = now(), step = s.step + 1 from idle
        where s.workspace_id = idle.workspace_id and s.number = idle.number
        returning {_SESSION_COLUMNS}
        """,
        longest_idle, limit,
    )  # fmt: skip
    return [_session(row) for row in rows]


_RESPONDENT = msgspec.json.Decoder(Respondent)
_GIVEN = msgspec.json.Decoder(tuple[Given, ...])


def _session(row: Row) -> Session:
    return Session(
        workspace_id=row["workspace_id"],
        number=row["number"],
        token=row["token"],
        survey_id=row["survey_id"],
        version=row["version"],
        channel=row["channel"],
        step=row["step"],
        answers=_GIVEN.decode(row["answers"]),
        respondent=respondent(row["respondent"]),
        metadata=msgspec.json.decode(row["metadata"]),
        started_at=row["started_at"],
        idle=row["idle"],
        complete=row["complete"],
        expired=row["expired"],
    )


def respondent(stored: str | None) -> Respondent | None:
    """A respondent from its column."""
    return None if stored is None else _RESPONDENT.decode(stored)


def _answers(answers: Sequence[Given]) -> str:
    return _json(
        [
            {"question": one.question}
            | ({"text": one.text} if one.answer is None else {"answer": one.answer})
            | ({"at": one.at} if one.at else {})
            for one in answers
        ]
    )


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
