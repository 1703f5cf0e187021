-- Ratings that people leave on public pages.

create table pages (
  workspace_id bigint not null references workspaces,
  id bigint generated always as identity,
  key text not null,
  page_id text not null,             -- the platform's
  app_secret text not null,          -- needed to check signatures, so kept as it is
  verify_token_hash bytea not null,  -- SHA-256
  low_rating_tickets jsonb,          -- {at_most, project_id, type_id}
  archived_at timestamptz,
  primary key (workspace_id, id)
);
create unique index pages_key on pages (lower(key));

create table ratings (
  workspace_id bigint not null,
  id bigint generated always as identity,
  page_id bigint not null,           -- pages.id
  story_id text not null,
  rating smallint,
  recommendation text,
  message text,
  reviewer_id text,
  reviewer_name text,
  at timestamptz not null,           -- of the newest delivery seen, which decides (not the arrival)
  created_at timestamptz not null,   -- at the platform
  changed_at timestamptz not null default now(),
  removed_at timestamptz,            -- when the platform removed it
  revision bigint not null default 1,
  reported bigint not null default 0, -- dirty while revision is above it
  external jsonb not null default '{}',
  primary key (workspace_id, id),
  foreign key (workspace_id, page_id) references pages
);
create unique index ratings_story on ratings (workspace_id, page_id, story_id);
create index ratings_dirty on ratings (workspace_id, id) where revision > reported and removed_at is null;
