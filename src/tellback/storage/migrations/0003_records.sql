-- Records: what is mapped to what, the ways in, and bulk runs.

create table touchpoints (
  workspace_id bigint not null references workspaces,
  id bigint generated always as identity,
  name text not null,
  archived_at timestamptz,
  primary key (workspace_id, id)
);
create unique index touchpoints_name on touchpoints (workspace_id, lower(name));

create table import_configurations (
  workspace_id bigint not null references workspaces,
  id bigint generated always as identity,
  reference text not null,
  name text not null,
  object text not null check (object in ('account', 'contact', 'survey_record')),
  active boolean not null,
  unmapped text not null check (unmapped in ('ignore', 'reject')),
  fields jsonb not null,             -- [[heading, property], ...]
  archived_at timestamptz,
  primary key (workspace_id, id)
);
create unique index import_configurations_reference on import_configurations (workspace_id, reference);

-- What an incoming webhook has beside its credential, whose secret is the token in its address.
create table incoming_webhooks (
  workspace_id bigint not null,
  credential_id bigint not null,
  username text not null,
  password_hash bytea not null,      -- SHA-256
  configuration_id bigint not null,
  primary key (workspace_id, credential_id),
  foreign key (workspace_id, credential_id) references credentials,
  foreign key (workspace_id, configuration_id) references import_configurations
);

-- A bulk run. `place` moves in the transaction that stores the rows before it, so that a run that was killed
-- goes on where it stopped.
create table import_runs (
  workspace_id bigint not null references workspaces,
  id bigint generated always as identity,
  configuration_id bigint not null,
  content bytea not null,            -- SHA-256 of the whole file
  file text not null,
  size bigint not null,              -- bytes
  place bigint not null default 0,   -- bytes of the file that are done
  line bigint not null default 0,    -- lines that are done
  created bigint not null default 0,
  updated bigint not null default 0,
  unchanged bigint not null default 0,
  rejected bigint not null default 0,
  started_at timestamptz not null default now(),
  changed_at timestamptz not null default now(),
  finished_at timestamptz,
  primary key (workspace_id, id),
  foreign key (workspace_id, configuration_id) references import_configurations
);
create index import_runs_content on import_runs (workspace_id, configuration_id, content);

create table import_rejects (
  workspace_id bigint not null,
  run_id bigint not null,
  line bigint not null,              -- of the file, from 1
  cells text[] not null,
  reason text not null,
  primary key (workspace_id, run_id, line),
  foreign key (workspace_id, run_id) references import_runs
);

-- Rows that went in, of which somebody should know which contact was meant and which was not.
create table import_notes (
  workspace_id bigint not null,
  run_id bigint not null,
  line bigint not null,
  note text not null,
  primary key (workspace_id, run_id, line),
  foreign key (workspace_id, run_id) references import_runs
);
