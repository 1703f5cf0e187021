-- What is sent out: destinations with their queues, rules, and the windows that outside systems look through.

-- A destination is a webhook or a subscription: its configuration, and how it stands. One lease a destination
-- keeps its order and lets a dead one cost one row, however long its queue is.
create table destinations (
  workspace_id bigint not null references workspaces,
  id bigint generated always as identity,
  kind text not null check (kind in ('webhook', 'subscription')),
  key text not null,
  definition jsonb not null,         -- core/automation/model.py: Webhook or Subscription
  secrets text[] not null default '{}', -- signing secrets, the newest first
  state text not null default 'active' check (state in ('active', 'disabled')),
  reason text,                       -- why it is disabled
  disabled_at timestamptz,
  failing_since timestamptz,         -- the first failure since the last success
  failures int not null default 0,   -- in a row
  next_at timestamptz,               -- when its queue is to be looked at; null: nothing waits
  not_before timestamptz,            -- it asked for a pause, or has earned one: nothing is begun before
  lease_owner text,
  lease_until timestamptz,
  archived_at timestamptz,
  primary key (workspace_id, id)
);
create unique index destinations_key on destinations (workspace_id, kind, lower(key));
create index destinations_next on destinations (next_at) where next_at is not null and state = 'active';

create table deliveries (
  workspace_id bigint not null,
  id bigint generated always as identity,
  destination_id bigint not null,
  message_id text not null,          -- `webhook-id`, the same in every attempt
  event_seq bigint,                  -- of the feed; null: a test call, or a schedule's
  event_kind text not null,
  event_at timestamptz not null,
  subject_type text not null,
  subject_id text not null,
  request jsonb not null,            -- {method, url, headers: [[name, value]], body}, frozen; secret headers are added when sent
  warnings jsonb not null default '[]',
  origin jsonb not null default '{}', -- of what its answer causes: {depth, rules, hop}, as in `changes`
  state text not null default 'waiting' check (state in ('waiting', 'delivered', 'failed', 'cancelled')),
  attempts int not null default 0,
  scheduled int not null default 0,  -- how many of the schedule are used up; a replay begins anew
  next_attempt_at timestamptz,
  created_at timestamptz not null default now(),
  finished_at timestamptz,
  primary key (workspace_id, id),
  foreign key (workspace_id, destination_id) references destinations
);
create index deliveries_waiting on deliveries (workspace_id, destination_id, next_attempt_at, id)
  where state = 'waiting';
create index deliveries_in_order on deliveries (workspace_id, destination_id, id) where state = 'waiting';
create index deliveries_tests on deliveries (workspace_id, destination_id, id)
  where state = 'waiting' and event_kind = 'test';
create index deliveries_failed on deliveries (workspace_id, destination_id, id) where state = 'failed';
create index deliveries_subject on deliveries (workspace_id, subject_type, subject_id);

-- A queue is eaten from its front: what is done there must be swept before every look walks over it.
alter table deliveries set (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02);

create table attempts (
  workspace_id bigint not null,
  delivery_id bigint not null,
  number int not null,
  at timestamptz not null,
  duration_ms int,                   -- null: it was begun and its end is not known
  request jsonb not null,            -- as sent, secrets masked
  status int,
  response_headers jsonb,
  response_body text,                -- at most 64 KiB
  error text,
  hint text,
  warnings jsonb not null default '[]',
  primary key (workspace_id, delivery_id, number),
  foreign key (workspace_id, delivery_id) references deliveries
);

create table captured_values (
  workspace_id bigint not null,
  subject_type text not null,        -- ticket, response, contact
  subject_id bigint not null,
  data_group text not null,
  label text not null,
  value jsonb not null,
  delivery_id bigint,                -- the attempt that fetched it, or
  attempt int,
  listener text,                     -- the listener it came in by
  at timestamptz not null default now(),
  primary key (workspace_id, subject_type, subject_id, data_group, label)
);

create table rules (
  workspace_id bigint not null references workspaces,
  id bigint generated always as identity,
  key text not null,
  definition jsonb not null,         -- core/automation/model.py: Rule
  next_at timestamptz,               -- of a schedule
  sweep_after bigint,                -- the ticket that a round of the schedule has come to
  archived_at timestamptz,
  primary key (workspace_id, id)
);
create unique index rules_key on rules (workspace_id, lower(key));
create index rules_next on rules (next_at) where next_at is not null;

create table rule_runs (
  workspace_id bigint not null,
  id bigint generated always as identity,
  rule_id bigint not null,
  event_seq bigint,
  subject_type text not null,
  subject_id text not null,
  at timestamptz not null default now(),
  outcome text not null,             -- done, failed, stopped
  detail text,
  primary key (workspace_id, id),
  foreign key (workspace_id, rule_id) references rules
);
create index rule_runs_subject on rule_runs (workspace_id, subject_type, subject_id);

-- Of a rule that runs once for a subject.
create table rule_once (
  workspace_id bigint not null,
  rule_id bigint not null,
  subject_type text not null,
  subject_id text not null,
  primary key (workspace_id, rule_id, subject_type, subject_id),
  foreign key (workspace_id, rule_id) references rules
);

-- Listeners, record lookups and data packages: where an outside system may write to and read from.
create table windows (
  workspace_id bigint not null references workspaces,
  id bigint generated always as identity,
  kind text not null check (kind in ('listener', 'record_lookup', 'data_package')),
  key text not null,
  project_id bigint,                 -- null: every project of the workspace
  credential_id bigint not null,
  definition jsonb not null,         -- core/automation/model.py: Listener, RecordLookup or DataPackage
  archived_at timestamptz,
  primary key (workspace_id, id),
  foreign key (workspace_id, credential_id) references credentials
);
create unique index windows_key on windows (workspace_id, kind, lower(key));
