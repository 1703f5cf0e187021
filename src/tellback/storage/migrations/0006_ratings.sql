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

-- A rating is what the newest delivery about it says (docs/decisions/0017). One that was removed keeps nothing
-- of the person: its row is there so that an older delivery cannot bring it back.
create table ratings (
  workspace_id bigint not null,
  id bigint generated always as identity,
  page_id bigint not null,           -- pages.id
  story_id text not null,
  verb text not null check (verb in ('add', 'edit', 'remove')), -- of the newest delivery
  at timestamptz not null,           -- its time at the platform, which decides (not the arrival)
  place int not null,                -- its place among the changes that came with it, where times are the same
  added_at timestamptz,              -- the newest time of an add; null: none has come
  rating smallint,                   -- null once it is removed, as are the next four
  recommendation text,
  message text,
  reviewer_id text,
  reviewer_name text,
  changed_at timestamptz not null default now(),
  revision bigint not null default 0,
  reported bigint not null default 0, -- dirty while revision is above it
  ticket_id bigint,                  -- the ticket that a low rating became
  external jsonb not null default '{}',
  primary key (workspace_id, id),
  foreign key (workspace_id, page_id) references pages
);
create unique index ratings_story on ratings (workspace_id, page_id, story_id);
create index ratings_dirty on ratings (workspace_id, id) where revision > reported and verb <> 'remove';
