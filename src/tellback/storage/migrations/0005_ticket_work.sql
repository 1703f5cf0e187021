-- Work on tickets, what reports of it need, and readers of the feed.

-- A ticket is dirty while its revision is above the one that its report was last read at. The partial index
-- holds the dirty ones alone (docs/decisions/0015).
alter table tickets
  add column reported bigint not null default 0,
  add column thread_id bigint,             -- the first ticket of its thread; null: this one
  add column reply_to bigint,              -- the ticket this one replies to
  add column acquired_by text,             -- who has it open
  add column acquired_at timestamptz,
  add column handling_since timestamptz,   -- set while it is acquired and not closed
  add column handled_s double precision not null default 0, -- seconds of the spans before that
  add column first_answered_at timestamptz,
  add column forwarded boolean not null default false, -- an external destination was sent for it
  add column external jsonb not null default '{}',     -- captured values, {group: {label: value}}
  add column sla jsonb,                    -- {done_due, expiry, handling_time, response_time, within_sla}
  add column sla_revision bigint not null default 0,   -- the revision `sla` was computed for
  add column sla_next timestamptz;         -- when time alone will change `sla`
-- Every ticket is written again soon after it came, for its SLA and its first report: on the page where it is.
alter table tickets set (fillfactor = 85);
create index tickets_dirty on tickets (workspace_id, id) where revision > reported;
create index tickets_sla_next on tickets (sla_next) where sla_next is not null;
create index tickets_thread on tickets (workspace_id, thread_id) where thread_id is not null;

alter table contacts add column external jsonb not null default '{}';
alter table responses add column external jsonb not null default '{}';

create table answers (
  workspace_id bigint not null,
  ticket_id bigint not null,
  id bigint generated always as identity,
  at timestamptz not null default now(),
  actor text not null,
  subject text not null,
  body text not null,
  deleted_at timestamptz,
  page_token text,                   -- the satisfaction page of this answer, /take/<token>
  page_definition jsonb,             -- {text, answers: [{text, value}]}, as it was when answered
  opinion_text text,                 -- what was chosen there
  opinion_value double precision,
  opinion_at timestamptz,
  primary key (workspace_id, ticket_id, id)
);
create unique index answers_page on answers (page_token) where page_token is not null;

-- A number for every tag, which reports show beside it.
create table tags (
  workspace_id bigint not null references workspaces,
  id bigint generated always as identity,
  name text not null,
  primary key (workspace_id, id)
);
create unique index tags_name on tags (workspace_id, name);

-- What an event's automation needs of its moment: the subject as it was (only where automation may want it),
-- and where the event came from: {depth, rules, hop, automation, workflow}.
alter table changes
  add column snapshot jsonb,
  add column origin jsonb;

-- How far the hub's own readers of the feed have come, each in its own transaction with what it makes of it.
create table feed_readers (
  workspace_id bigint not null references workspaces,
  name text not null,                -- automation, search, sla
  seq bigint not null default 0,
  primary key (workspace_id, name)
);

-- Whether anything acts on what happens in the workspace: only then do events keep snapshots.
alter table workspaces add column automated boolean not null default false;

-- The promise that the type's open tickets are looked at with, {promise, up_to}: up to which number that is done,
-- null once it is for all.
alter table feedback_types add column promised jsonb;
