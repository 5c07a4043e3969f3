-- What became of nodes, and why (FAILOVER §3.2). Kept for 30 days.

-- +goose Up

create table node_transitions (
    node_id    uuid not null references nodes (id) on delete cascade,
    at         timestamptz not null,
    from_state text not null,
    to_state   text not null,
    reason     text not null
);
create index node_transitions_node on node_transitions (node_id, at desc);
create index node_transitions_at on node_transitions (at);
