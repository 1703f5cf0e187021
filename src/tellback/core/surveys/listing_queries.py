"""SQL of reading surveys and sessions as lists."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from tellback.core.surveys import rules
from tellback.core.surveys.model import Given, SessionRecord, SessionState, SurveyRecord, Version
from tellback.core.surveys.queries import respondent
from tellback.storage.database import Reader, Row

# Complete, or expired by the clock, or still on its way. $2 is how long a session may stand still, in seconds.
_STATE = """
case when s.completed_at is not null then 'complete'
     when s.expired_at is not null or s.active_at < now() - make_interval(secs => $2) then 'expired'
     else 'partial' end
"""


async def surveys(
    reader: Reader, workspace_id: int, longest_idle: float, after: int | None, limit: int
) -> list[SurveyRecord]:
    """Surveys above id `after`, ascending, archived ones left out, with their sessions counted by state."""
    rows = await reader.fetch(
        f"""
        select sv.id, sv.title, sv.description, sv.channels, sv.state, sv.version, sv.take_token,
               sv.embed_origins, v.questions, coalesce(c.started, 0) as started,
               coalesce(c.partial, 0) as partial, coalesce(c.complete, 0) as complete,
               coalesce(c.expired, 0) as expired
        from surveys sv
        join survey_versions v
          on v.workspace_id = sv.workspace_id and v.survey_id = sv.id and v.version = sv.version
        left join (
          select survey_id, count(*) as started, count(*) filter (where state = 'partial') as partial,
                 count(*) filter (where state = 'complete') as complete,
                 count(*) filter (where state = 'expired') as expired
          from (select survey_id, {_STATE} as state from sessions s where workspace_id = $1) counted
          group by survey_id
        ) c on c.survey_id = sv.id
        where sv.workspace_id = $1 and sv.archived_at is null and ($3::bigint is null or sv.id > $3)
        order by sv.id limit $4
        """,
        workspace_id, longest_idle, after, limit,
    )  # fmt: skip
    return [_survey(row) for row in rows]


def _survey(row: Row) -> SurveyRecord:
    same = (
        "id", "title", "description", "channels", "state", "take_token", "embed_origins",
        "started", "partial", "complete", "expired",
    )  # fmt: skip
    version = rules.compiled(row["version"], msgspec.json.decode(row["questions"]))
    return SurveyRecord(version=version, **{name: row[name] for name in same})


async def sessions(
    reader: Reader,
    workspace_id: int,
    longest_idle: float,
    after: int | None,
    limit: int,
    *,
    survey: int | None = None,
    state: SessionState | None = None,
    channel: str | None = None,
) -> list[SessionRecord]:
    """Sessions above number `after`, in the order they were started."""
    rows = await reader.fetch(
        f"""
        select s.*, {_STATE} as state from sessions s
        where s.workspace_id = $1 and ($3::bigint is null or s.number > $3)
          and ($5::bigint is null or s.survey_id = $5) and ($6::text is null or {_STATE} = $6)
          and ($7::text is null or s.channel = $7)
        order by s.number limit $4
        """,
        workspace_id, longest_idle, after, limit, survey, state, channel,
    )  # fmt: skip
    versions = await _versions(reader, workspace_id, {(row["survey_id"], row["version"]) for row in rows})
    return [_session(row, versions) for row in rows]


async def _versions(
    reader: Reader, workspace_id: int, wanted: set[tuple[int, int]]
) -> Mapping[tuple[int, int], Version]:
    rows = await reader.fetch(
        """
        select v.survey_id, v.version, v.questions from survey_versions v
        join unnest($2::bigint[], $3::int[]) as wanted (survey_id, version) using (survey_id, version)
        where v.workspace_id = $1
        """,
        workspace_id, [survey for survey, _ in wanted], [version for _, version in wanted],
    )  # fmt: skip
    return {
        (row["survey_id"], row["version"]): rules.compiled(
            row["version"], msgspec.json.decode(row["questions"])
        )
        for row in rows
    }


_GIVEN = msgspec.json.Decoder(tuple[Given, ...])


def _session(row: Row, versions: Mapping[tuple[int, int], Version]) -> SessionRecord:
    version = versions[row["survey_id"], row["version"]]
    return SessionRecord(
        number=row["number"],
        token=row["token"],
        survey_id=row["survey_id"],
        version=row["version"],
        state=row["state"],
        channel=row["channel"],
        answers=_answers(version, _GIVEN.decode(row["answers"])),
        respondent=respondent(row["respondent"]),
        metadata=msgspec.json.decode(row["metadata"]),
        started_at=row["started_at"],
        active_at=row["active_at"],
        completed_at=row["completed_at"],
    )


def _answers(version: Version, given: Sequence[Given]) -> list[dict[str, Any]]:
    answers = []
    for one in given:
        question = version.questions[one.question]
        choice = None if one.answer is None else question.choices[one.answer]
        answers.append(
            {
                "question": question.title,
                "answer_id": one.answer,
                "value": choice.value if choice else None,
                "text": rules.answer_text(version, one),
                "at": one.at,
            }
        )
    return answers
