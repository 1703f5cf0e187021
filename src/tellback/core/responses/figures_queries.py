"""SQL of figures.

Responses are added up by the hour (`response_hours`) up to the id in `response_hours_done`. A question by time,
survey or touchpoint reads these hours, and single responses only where an hour is not enough: those above that
id, and those of an hour that a period cuts in two. Questions by account or segment read the period's responses.
Everything is one statement, so it sees hours and responses of one and the same moment.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from tellback.core.responses.figures import DETRACTOR, PROMOTER, By, Kind, Periods, Question, Sums
from tellback.storage.database import Reader, Transaction

#: Responses a transaction adds up at most.
PIECE = 100_000


def _score(kind: Kind) -> str:
    """The score of a complete response; every metric's is in `scores`, a lone one may be in `score` alone."""
    return (
        f"case when r.completed_at is not null then coalesce((r.scores->>'{kind}')::float8,"
        f" case when r.kind = '{kind}' then r.score end) end"
    )


_AT = "coalesce(r.completed_at, r.sent_at)"  # as the index responses_period has it
_SURVEY = "coalesce(r.survey_id, 0) as survey_id, coalesce(r.touchpoint, '') as touchpoint"
_COUNTS = "(r.completed_at is not null)::int as responses, (r.sent_at is not null)::int as sent"

# $1 workspace, $2 and $3 between which ids.
_ADD_UP = f"""
insert into response_hours as h
  (workspace_id, hour, survey_id, touchpoint, responses, sent, nps_scored, nps_sum, promoters, detractors,
   csat_scored, csat_sum, satisfied, ces_scored, ces_sum)
select $1, hour, survey_id, touchpoint, sum(responses), sum(sent),
       count(nps), coalesce(sum(nps), 0),
       count(*) filter (where nps >= {PROMOTER}), count(*) filter (where nps <= {DETRACTOR}),
       count(csat), coalesce(sum(csat), 0), count(*) filter (where csat is not null and satisfied),
       count(ces), coalesce(sum(ces), 0)
from (
  select date_trunc('hour', {_AT}, 'UTC') as hour, {_SURVEY}, {_COUNTS}, r.satisfied,
         {_score("nps")} as nps, {_score("csat")} as csat, {_score("ces")} as ces
  from responses r
  where r.workspace_id = $1 and r.id > $2 and r.id <= $3 and {_AT} is not null
  offset 0
) one
group by hour, survey_id, touchpoint
on conflict (workspace_id, hour, survey_id, touchpoint) do update set
  responses = h.responses + excluded.responses, sent = h.sent + excluded.sent,
  nps_scored = h.nps_scored + excluded.nps_scored, nps_sum = h.nps_sum + excluded.nps_sum,
  promoters = h.promoters + excluded.promoters, detractors = h.detractors + excluded.detractors,
  csat_scored = h.csat_scored + excluded.csat_scored, csat_sum = h.csat_sum + excluded.csat_sum,
  satisfied = h.satisfied + excluded.satisfied,
  ces_scored = h.ces_scored + excluded.ces_scored, ces_sum = h.ces_sum + excluded.ces_sum
"""


async def behind(reader: Reader) -> list[int]:
    """The workspaces that have responses which are not added up yet."""
    rows = await reader.fetch(
        """
        select c.workspace_id from workspace_counters c left join response_hours_done d using (workspace_id)
        where c.responses > coalesce(d.up_to, 0) order by c.workspace_id
        """
    )
    return [row["workspace_id"] for row in rows]


async def add_up(tx: Transaction, workspace_id: int, at_most: int = PIECE) -> int:
    """Add the next responses to their hours; gives how many. 0 also while somebody else is at it."""
    await tx.execute(
        "insert into response_hours_done (workspace_id, up_to) values ($1, 0) on conflict do nothing",
        workspace_id,
    )
    done = await tx.fetchval(
        "select up_to from response_hours_done where workspace_id = $1 for update skip locked", workspace_id
    )
    # Ids are given under the counter's lock, so all up to the one that is seen here are there to be seen.
    last = await tx.fetchval("select responses from workspace_counters where workspace_id = $1", workspace_id)
    if done is None or last is None or last <= done:
        return 0
    up_to = min(last, done + at_most)
    await tx.execute(_ADD_UP, workspace_id, done, up_to)
    await tx.execute("update response_hours_done set up_to = $2 where workspace_id = $1", workspace_id, up_to)
    return int(up_to - done)


async def span(reader: Reader, workspace_id: int) -> tuple[datetime, datetime] | None:
    """The first and the last moment at which something counts; None where nothing does."""
    row = await reader.fetchrow(
        f"""
        select least(a.at, s.at) as first, greatest(b.at, t.at) as last
        from (values (1)) one (n)
        left join lateral (select {_AT} as at from responses r
          where r.workspace_id = $1 and {_AT} is not null order by {_AT} limit 1) a on true
        left join lateral (select {_AT} as at from responses r
          where r.workspace_id = $1 and {_AT} is not null order by {_AT} desc limit 1) b on true
        left join lateral (select started_at as at from sessions
          where workspace_id = $1 and completed_at is null order by started_at limit 1) s on true
        left join lateral (select started_at as at from sessions
          where workspace_id = $1 and completed_at is null order by started_at desc limit 1) t on true
        """,
        workspace_id,
    )
    return None if row is None or row["first"] is None else (row["first"], row["last"])


# In all of these: $1 workspace, $2 from, $3 to (excluded), $4 where the periods start.
_BUCKET = "width_bucket({}, $4::timestamptz[])"

# $5 the split hours, $6 the first hour, $7 the end of the last.
_HOURS = f"""
select {_BUCKET.format("h.hour")} as bucket, h.survey_id, h.touchpoint, h.responses, h.sent,
       {{hour_sums}}
from response_hours h
where h.workspace_id = $1 and h.hour >= $6 and h.hour < $7 and h.hour <> all($5::timestamptz[])
"""
_DONE = "coalesce((select up_to from response_hours_done where workspace_id = $1), 0)"
_ONE = f"{_AT} as at, r.account_id, {_SURVEY}, {_COUNTS}, r.satisfied, {{score}} as score"
_SINGLE = f"""
select {_BUCKET.format("at")} as bucket, survey_id, touchpoint, responses, sent, {{one_sums}}
from (
  select * from (  -- what is not added up yet: found by id, whatever the planner thinks of the dates
    select {_ONE} from responses r
    where r.workspace_id = $1 and r.id > {_DONE}
      and r.id <= (select responses from workspace_counters where workspace_id = $1)
    offset 0
  ) late
  union all
  select part.* from unnest($5::timestamptz[]) as cut (hour), lateral (
    select {_ONE} from responses r
    where r.workspace_id = $1 and {_AT} >= cut.hour and {_AT} < cut.hour + interval '1 hour' and r.id <= {_DONE}
    offset 0  -- so that each hour is looked up in the index
  ) part
) single
where at >= $2 and at < $3
"""
_PERIOD = f"""
select {_BUCKET.format(_AT)} as bucket, {_ONE}, {{segment}} as segment
from responses r
where r.workspace_id = $1 and {_AT} >= $2 and {_AT} < $3
"""
# Sessions that became no response; one that was put away with answers did.
_UNANSWERED = f"""
select {_BUCKET.format("s.started_at")} as bucket, s.survey_id, '' as touchpoint
from sessions s
where s.workspace_id = $1 and s.completed_at is null and s.started_at >= $2 and s.started_at < $3
  and (s.expired_at is null or s.answers = '[]')
"""
_HOUR_SUMS: dict[Kind, str] = {
    "nps": "h.nps_scored as scored, h.nps_sum as total, h.promoters as high, h.detractors as low",
    "csat": "h.csat_scored as scored, h.csat_sum as total, h.satisfied as high, 0 as low",
    "ces": "h.ces_scored as scored, h.ces_sum as total, 0 as high, 0 as low",
}
_HIGH_LOW: dict[Kind, tuple[str, str]] = {
    "nps": (f"(score >= {PROMOTER})::int", f"(score <= {DETRACTOR})::int"),
    "csat": ("(score is not null and satisfied)::int", "0"),
    "ces": ("0", "0"),
}
_GROUPS: dict[By | None, str] = {
    None: "null::int", "day": "bucket", "week": "bucket", "month": "bucket",
    "survey": "nullif(survey_id, 0)", "touchpoint": "nullif(touchpoint, '')",
}  # fmt: skip


_ADDED = (
    "sum(responses)::bigint as responses, sum(sent)::bigint as sent, sum(scored)::bigint as scored,"
    " sum(total)::float8 as total, sum(high)::bigint as high, sum(low)::bigint as low"
)
# A segment may be the account's or the contact's; the account's comes first.
_SEGMENT = "coalesce(r.segments->'account'->>$5, r.segments->'contact'->>$5)"
_ACCOUNT = "(select name from accounts a where a.workspace_id = $1 and a.id = g.account_id)"


async def sums(reader: Reader, workspace_id: int, asked: Question, over: Periods) -> list[tuple[Any, Sums]]:
    """What the periods' responses add up to, by group.

    The group is the period's number from 1 (day, week, month), a survey's id, a touchpoint, an account's name,
    a segment's value, or None.
    """
    text, values = statement(workspace_id, asked, over)
    rows = await reader.fetch(text, *values)
    columns = ("responses", "sent", "scored", "total", "high", "low")
    return [(row["group"], Sums(*(row[name] for name in columns))) for row in rows]


def statement(workspace_id: int, asked: Question, over: Periods) -> tuple[str, list[Any]]:
    """The one statement that answers, with its values."""
    values: list[Any] = [workspace_id, over.starts[0], over.end, over.starts]
    write = _by_hours
    if asked.by in ("account", "segment"):
        write = _by_holder
        values += [asked.segment] if asked.by == "segment" else []
    else:
        values += [over.split, *over.hours]
    conditions = ["true"]
    for condition, value in (
        ("survey_id = {}", asked.survey),
        ("lower(touchpoint) = lower({})", asked.touchpoint),
    ):
        if value is not None:
            values.append(value)
            conditions.append(condition.format(f"${len(values)}"))
    return write(asked, " and ".join(conditions)), values


def _by_hours(asked: Question, conditions: str) -> str:
    high, low = _HIGH_LOW[asked.kind]
    one_sums = (
        f"(score is not null)::int as scored, coalesce(score, 0) as total,"
        f" coalesce({high}, 0) as high, coalesce({low}, 0) as low"
    )
    return f"""
    select {_GROUPS[asked.by]} as "group", {_ADDED} from (
      {_HOURS.format(hour_sums=_HOUR_SUMS[asked.kind])}
      union all
      {_SINGLE.format(one_sums=one_sums, score=_score(asked.kind))}
      union all
      select bucket, survey_id, touchpoint, 0, 1, 0, 0, 0, 0 from ({_UNANSWERED}) unanswered
    ) every where {conditions} group by 1
    """


def _by_holder(asked: Question, conditions: str) -> str:
    high, low = _HIGH_LOW[asked.kind]
    by_account = asked.by == "account"
    holder = "account_id" if by_account else "segment"
    period = _PERIOD.format(segment="null" if by_account else _SEGMENT, score=_score(asked.kind))
    return f"""
    select {_ACCOUNT if by_account else "segment"} as "group", responses, sent, scored, total, high, low
    from (
      select {holder}, {_ADDED} from (
        select {holder}, survey_id, touchpoint, responses, sent, (score is not null)::int as scored,
               coalesce(score, 0) as total, coalesce({high}, 0) as high, coalesce({low}, 0) as low
        from ({period}) one
        union all
        select null, survey_id, touchpoint, 0, 1, 0, 0, 0, 0 from ({_UNANSWERED}) unanswered
      ) every where {conditions} group by 1
    ) g
    """
