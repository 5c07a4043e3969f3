-- Who owns, or stands nearest to, a container may look back at what became of
-- it after it is gone; and jobs are looked up by the node that did them.

-- +goose Up

create index containers_owner_ever on containers (owner_id) where owner_id is not null;
create index containers_node_ever on containers (node_id);
create index jobs_node on jobs (node_id, created_at desc);
