-- To the planner, a workspace is never a way to find few rows.
--
-- A table analyzed while each workspace had a row or two says that workspace_id alone finds one row, which makes the
-- primary key look as good for finding a contact by e-mail as the index made for that. A workspace that then grows by an
-- import is read from end to end for each row. So the number of different workspaces is given here, and not
-- estimated; from the next ANALYZE on it counts.
do $$
declare
  one regclass;
begin
  for one in
    select c.oid from pg_class c join pg_attribute a on a.attrelid = c.oid
    where c.relnamespace = current_schema()::regnamespace and c.relkind = 'r' and a.attname = 'workspace_id' and a.attnum > 0
  loop
    execute format('alter table %s alter column workspace_id set (n_distinct = 1)', one);
  end loop;
end
$$;
