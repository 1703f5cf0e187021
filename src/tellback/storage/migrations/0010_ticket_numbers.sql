-- Giving numbers to tickets, in functions of their own (docs/decisions/0003).
--
-- Whoever waits for a row that another transaction has changed looks at it anew, and PostgreSQL makes the whole statement
-- ready a second time for that. The one that files tickets is long, and with several processes it mostly waits. In here
-- there is little to make ready, and what is read after the wait is as it is then.

-- What was counted before the `wanted` ones were. Holds the workspace's row until the transaction ends.
create function number_tickets(of_workspace bigint, wanted bigint, out tickets bigint, out changes bigint)
language plpgsql as $$
begin
  update workspace_counters c set tickets = c.tickets + wanted, changes = c.changes + wanted
  where c.workspace_id = of_workspace
  returning c.tickets - wanted, c.changes - wanted into strict tickets, changes;
end
$$;

-- The same of a feedback type. To be called under the workspace's lock.
create function number_tickets_of_type(of_workspace bigint, of_type bigint, wanted bigint, out tickets bigint)
language plpgsql as $$
begin
  update feedback_counters c set tickets = c.tickets + wanted
  where c.workspace_id = of_workspace and c.type_id = of_type
  returning c.tickets - wanted into strict tickets;
end
$$;
