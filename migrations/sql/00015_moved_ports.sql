-- Which host ports of a container are others since it moved: people who
-- connect to it have to know.

-- +goose Up

alter table container_migrations add column ports jsonb; -- null: none

create or replace view container_migration_history as
select id, container_id, from_node_id, to_node_id,
       case state when 'completed' then 'completed' else 'failed' end as status,
       finished_at as timestamp,
       kind as trigger, reason, error, state, attempt, overlap_ms, leftover,
       (extract(epoch from created_at - detected_at) * 1000)::bigint as detect_ms,
       (extract(epoch from coalesce(reserved_at, switched_at) - created_at) * 1000)::bigint as decide_ms,
       (extract(epoch from stopped_at - stopping_at) * 1000)::bigint as stop_ms,
       (extract(epoch from running_at - switched_at) * 1000)::bigint as start_ms,
       (extract(epoch from finished_at - created_at) * 1000)::bigint as duration_ms,
       ports
from container_migrations
where finished_at is not null;
