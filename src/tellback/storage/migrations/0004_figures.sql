-- Figures over responses: what a period costs is bounded by the period (docs/decisions/0013).

-- Is the csat score one of the two highest that its question offered? Known when the answer is given.
alter table responses add column satisfied boolean;

-- The moment at which a response counts: its completion; of one that was never completed, its sending.
create index responses_period on responses (workspace_id, (coalesce(completed_at, sent_at)));

-- What was sent and not answered, or not yet.
create index sessions_unanswered on sessions (workspace_id, started_at) where completed_at is null;

-- Responses added up by the hour. Upkeep adds them after they are recorded, so recording pays nothing for it;
-- scores and dates never change, so nothing is ever taken out.
create table response_hours (
  workspace_id bigint not null,
  hour timestamptz not null,         -- its beginning
  survey_id bigint not null,         -- 0: none
  touchpoint text not null,          -- '': none
  responses bigint not null,         -- complete ones
  sent bigint not null,
  nps_scored bigint not null,
  nps_sum double precision not null,
  promoters bigint not null,
  detractors bigint not null,
  csat_scored bigint not null,
  csat_sum double precision not null,
  satisfied bigint not null,
  ces_scored bigint not null,
  ces_sum double precision not null,
  primary key (workspace_id, hour, survey_id, touchpoint)
) with (fillfactor = 80);

-- Up to which response the hours hold a workspace's responses. Ids are given in commit order without gaps,
-- so what is above is all that is missing.
create table response_hours_done (
  workspace_id bigint primary key references workspaces,
  up_to bigint not null
);
