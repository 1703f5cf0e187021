-- Foundation. Every tenant-owned key begins with workspace_id, so that the tables can be spread over many
-- machines. Configuration rows are archived, never deleted, so tickets need no foreign keys to them.

create table configuration_version (
  only_row boolean primary key default true check (only_row),
  version bigint not null
);
insert into configuration_version (version) values (1);

create table leases (
  name text primary key,
  owner text not null,
  until timestamptz not null
);

create table signing_keys (
  kid text primary key,
  private_key bytea not null,        -- Ed25519, 32 raw bytes
  created_at timestamptz not null default now()
);

create table workspaces (
  id bigint generated always as identity primary key,
  slug text not null unique,
  name text not null,
  timezone text not null default 'UTC',
  created_at timestamptz not null default now()
);

-- The row every effect of a workspace takes last before it commits: numbers handed out under it are
-- without gaps and in commit order (docs/decisions/0003).
create table workspace_counters (
  workspace_id bigint primary key references workspaces,
  tickets bigint not null default 0,
  changes bigint not null default 0
) with (fillfactor = 10);

create table members (
  workspace_id bigint not null references workspaces,
  id bigint generated always as identity,
  email text not null,
  name text not null,
  role text not null check (role in ('admin', 'manager', 'agent', 'viewer')),
  password_hash text,                -- argon2id
  created_at timestamptz not null default now(),
  archived_at timestamptz,
  primary key (workspace_id, id)
);
create unique index members_email on members (workspace_id, lower(email));

-- Every machine credential. `secret_hash` is SHA-256 of the random secret (of the token's jti for access
-- tokens). `public_id` is the half that is no secret where a kind has one.
create table credentials (
  workspace_id bigint not null references workspaces,
  id bigint generated always as identity,
  kind text not null check (kind in
    ('api_key', 'survey_key', 'connected_app', 'access_token', 'incoming_webhook')),
  name text not null,
  public_id text,
  secret_hash bytea not null,
  allowed_ips text[] not null default '{}',
  claims text[] not null default '{}',
  enabled boolean not null default true,
  expires_at timestamptz,
  created_at timestamptz not null default now(),
  archived_at timestamptz,
  primary key (workspace_id, id)
);
create unique index credentials_name on credentials (workspace_id, kind, name);
create unique index credentials_secret on credentials (kind, secret_hash);
create unique index credentials_public_id on credentials (kind, public_id) where public_id is not null;

create table contacts (
  workspace_id bigint not null references workspaces,
  id bigint generated always as identity,
  email text,                        -- as first given; compared by email_key
  email_key text,                    -- lower-cased
  name text,
  first_name text,
  last_name text,
  created_at timestamptz not null default now(),
  changed_at timestamptz not null default now(),
  primary key (workspace_id, id)
);
-- Of those with an address alone: other look-ups can then never be planned through it.
create unique index contacts_email on contacts (workspace_id, email_key) where email_key is not null;

create table projects (
  workspace_id bigint not null references workspaces,
  id bigint generated always as identity,
  key text not null,
  name text not null,
  created_at timestamptz not null default now(),
  archived_at timestamptz,
  primary key (workspace_id, id)
);
create unique index projects_key on projects (workspace_id, lower(key));

create table participants (
  workspace_id bigint not null,
  project_id bigint not null,
  contact_id bigint not null,
  name text not null,
  archived_at timestamptz,
  primary key (workspace_id, project_id, contact_id),
  foreign key (workspace_id, project_id) references projects,
  foreign key (workspace_id, contact_id) references contacts
);

create table feedback_types (
  workspace_id bigint not null,
  id bigint generated always as identity,
  project_id bigint not null,
  key text not null,
  name text not null,
  prefix text not null,
  digits smallint not null,
  statuses jsonb not null,           -- [{name, kind, webhook}], the first is the initial one
  elements jsonb not null,           -- [{key, label, type, required, role, options: [{label, internal}], min, max}]
  sla jsonb,                         -- {response, handling, warn_before}, seconds
  satisfaction jsonb,                -- {text, answers: [{text, value}]}
  archived_at timestamptz,
  primary key (workspace_id, id),
  foreign key (workspace_id, project_id) references projects
);
create unique index feedback_types_key on feedback_types (workspace_id, project_id, lower(key));

create table feedback_counters (
  workspace_id bigint not null,
  type_id bigint not null,
  tickets bigint not null default 0,
  primary key (workspace_id, type_id)
) with (fillfactor = 10);

create table external_sources (
  workspace_id bigint not null,
  id bigint generated always as identity,
  project_id bigint not null,
  type_id bigint not null,
  credential_id bigint not null,
  key text not null,
  name text not null,
  status text,
  status_parameter text not null default 'status',
  default_submitter bigint,          -- contact
  submitter_parameter text not null default 'submitter',
  fields jsonb not null,             -- [[element key, parameter], ...]
  unmapped text not null default 'ignore' check (unmapped in ('ignore', 'reject')),
  run_automation boolean not null default true,
  run_workflow boolean not null default true,
  archived_at timestamptz,
  primary key (workspace_id, id),
  foreign key (workspace_id, type_id) references feedback_types,
  foreign key (workspace_id, credential_id) references credentials
);
create unique index external_sources_key on external_sources (workspace_id, project_id, lower(key));

create table tickets (
  workspace_id bigint not null,
  id bigint not null,                -- counted per workspace
  project_id bigint not null,
  type_id bigint not null,
  number bigint not null,            -- counted per feedback type; the display id is prefix-number
  channel text not null,             -- external_source, ...
  source_id bigint,
  status text not null,
  status_kind text not null,
  subject text not null default '',
  body text,                         -- only where no element of the type holds it
  "values" jsonb not null default '{}',
  submitter_id bigint,               -- contact
  submitter_given text,              -- the address as sent, where it is not the submitter's
  assignee_id bigint,                -- member
  priority text,
  tags text[] not null default '{}',
  revision bigint not null default 1,
  created_at timestamptz not null default now(),
  changed_at timestamptz not null default now(),
  answered_at timestamptz,
  closed_at timestamptz,
  deleted_at timestamptz,
  primary key (workspace_id, id)
);
create unique index tickets_number on tickets (workspace_id, type_id, number);

create table timeline (
  workspace_id bigint not null,
  ticket_id bigint not null,
  id bigint generated always as identity,
  at timestamptz not null default now(),
  actor text not null,
  kind text not null,                -- created, file_added, ...
  note text not null,
  data jsonb not null default '{}',
  primary key (workspace_id, ticket_id, id)
);

create table changes (
  workspace_id bigint not null,
  seq bigint not null,               -- workspace_counters.changes: commit order, no gaps
  kind text not null,
  subject_type text not null,
  subject_id text not null,
  at timestamptz not null default now(),
  actor text not null,
  data jsonb not null default '{}',
  primary key (workspace_id, seq)
);

create table files (
  workspace_id bigint not null,
  id bigint generated always as identity,
  ticket_id bigint not null,
  element text not null,
  parameter text not null,
  name text not null,
  media_type text not null,
  size bigint not null,
  sha256 text not null,              -- hex
  blob text not null,                -- the store's name of it
  created_at timestamptz not null default now(),
  primary key (workspace_id, id)
);
create index files_ticket on files (workspace_id, ticket_id);
create unique index files_blob on files (blob);

create table intake (
  workspace_id bigint not null,
  id bigint generated always as identity,
  at timestamptz not null default now(),
  request_id text not null,
  surface text not null,
  method text not null,
  endpoint text not null,
  credential text,
  target text,
  status smallint not null,
  error text,
  hint text,
  unmapped jsonb not null default '[]',   -- parameters that arrived and are not mapped
  missing jsonb not null default '[]',    -- mapped parameters that did not arrive
  unmatched jsonb not null default '[]',  -- [{parameter, value, options}]
  submitter text,                    -- the decision, in words
  created_type text,
  created_id text,
  body text,                         -- secrets removed, at most 16 KiB
  primary key (workspace_id, id)
);
create index intake_at on intake (at);

create table kept_answers (
  workspace_id bigint not null,
  scope bytea not null,              -- SHA-256 of credential, method, path, query and key
  fingerprint bytea not null,        -- SHA-256 of the body
  status smallint,
  headers jsonb,
  body bytea,
  at timestamptz not null default now(),
  primary key (workspace_id, scope)
);
create index kept_answers_at on kept_answers (at);
