-- Finding tickets: by their words, and by any filter at any size (docs/decisions/0023).

-- The words of every ticket that is not deleted. A reader of the feed keeps it up, so filing pays nothing for
-- it; what it has not come to yet is looked through ticket by ticket.
create table ticket_search (
  workspace_id bigint not null,
  ticket_id bigint not null,
  document tsvector not null,        -- core/tickets/words.py; also '@<workspace_id>', to keep workspaces apart in the index
  primary key (workspace_id, ticket_id)
);
create index ticket_search_document on ticket_search using gin (document);

-- In the order of ids each, so that a page costs as much as it holds.
create index tickets_standing on tickets (workspace_id, type_id, status, id);
create index tickets_submitter on tickets (workspace_id, submitter_id, id) where submitter_id is not null;
create index tickets_assignee on tickets (workspace_id, assignee_id, id) where assignee_id is not null;
create index tickets_tags on tickets using gin (tags) where tags <> '{}';
create index tickets_changed on tickets (workspace_id, changed_at);
