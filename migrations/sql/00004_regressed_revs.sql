-- +goose Up

-- A node has applied a later revision than the truth knows: the truth was
-- restored from a backup (FAILOVER §5.6 R7). It is told nothing until released.
create table rev_regressions (
    node_id uuid primary key references nodes (id) on delete cascade,
    rev     bigint not null,
    seen_at timestamptz not null default now()
);
