-- Node loss, leases, failover and migration (shared FAILOVER.md §5.2, §7, §11).

-- +goose Up

-- How fast nodes of a cluster are given up, and what its going silent as a
-- whole means. Milliseconds where a profile is custom, null elsewhere.
alter table clusters
    add column profile       text not null default 'standard'
                             check (profile in ('standard', 'fast', 'lan', 'metered', 'custom')),
    add column window_ms     bigint check (window_ms between 1500 and 3600000),
    add column outage_policy text not null default 'failover'
                             check (outage_policy in ('failover', 'hold', 'failover_after')),
    add column outage_after_ms bigint check (outage_after_ms > 0),
    add check ((profile = 'custom') = (window_ms is not null)),
    add check ((outage_policy = 'failover_after') = (outage_after_ms is not null));

-- A cordoned node is given nothing new; a draining one also loses what it has.
alter table nodes
    add column cordoned_at    timestamptz,
    add column cordon_reason  text not null default '',
    add column drain_job_id   uuid references jobs (id) on delete set null,
    add column drain_deadline timestamptz,               -- what has not left by then is moved by force
    add column drain_standard boolean not null default false, -- standard containers leave as well
    add column drain_reason   text not null default '';

-- Flap damping (FAILOVER §3.5): the penalty as it was at penalty_at; it halves
-- every 15 minutes.
alter table node_health
    add column penalty     double precision not null default 0 check (penalty >= 0),
    add column penalty_at  timestamptz not null default now(),
    add column quarantined boolean not null default false,
    add column docker_ok   boolean not null default true,
    add column guard_ok    boolean not null default false,
    -- the longest window under which the node may hold leases now: written
    -- before a longer one is given out, so that the next controller waits for it
    add column lease_window_ms bigint;

alter table containers
    add column group_key text not null default '',
    -- why ha_policy is what it is: as asked, or derived from the volumes
    add column ha_policy_reason text not null default '',
    -- while true, the assigned node is told "stopped", whatever is desired: the
    -- container is on its way to another node and must have ended before
    add column evicting boolean not null default false;

create index containers_group on containers (group_key) where deleted_at is null and group_key <> '';

-- placement asks who has a port, of all nodes at once
create index allocations_port on allocations (port);

create table container_migrations (
    id             uuid primary key,
    container_id   uuid not null references containers (id) on delete cascade,
    kind           text not null check (kind in ('failover', 'manual', 'drain', 'rebalance', 'rollback')),
    reason         text not null default '',
    requested_by   uuid references users (id) on delete set null,
    job_id         uuid references jobs (id) on delete set null,
    from_node_id   uuid not null references nodes (id),
    to_node_id     uuid references nodes (id),       -- null until a place is reserved
    wanted_node_id uuid references nodes (id),       -- asked for by name
    from_epoch     bigint not null,
    to_epoch       bigint,                           -- null until switched
    policy         text not null default '' check (policy in ('', 'available', 'exclusive')),
    force          boolean not null default false,
    overlap        boolean not null default false,   -- start first, stop after
    state          text not null default 'queued'
                   check (state in ('queued', 'reserved', 'stopping', 'fencing', 'starting', 'rolling_back',
                                    'completed', 'failed', 'rolled_back', 'cancelled')),
    version        int not null default 1,
    attempt        int not null default 1,
    excluded       uuid[] not null default '{}',     -- targets that did not work out
    priority       int not null default 0,
    stop_rev       bigint,                           -- of the source, that says "stopped"
    stop_command   uuid,                             -- whose receipt confirms it
    switched_at    timestamptz,
    reserved_at    timestamptz,
    stopping_at    timestamptz,
    stopped_at     timestamptz,
    running_at     timestamptz,                      -- the new copy was reported running
    step_deadline  timestamptz,
    next_run_at    timestamptz not null default now(),
    claimed_by     text not null default '',
    claimed_until  timestamptz,
    waiting        text not null default '',         -- why it does not go on, in words for people
    error          text not null default '',
    detected_at    timestamptz,                      -- failover: the verdict on the node
    created_at     timestamptz not null default now(),
    finished_at    timestamptz,
    -- what became of the old copy on a node that was silent, and how long two
    -- ran side by side as far as the controller could see
    leftover       text not null default 'none' check (leftover in ('none', 'unknown', 'running', 'gone')),
    overlap_ms     bigint,
    check ((finished_at is not null) = (state in ('completed', 'failed', 'rolled_back', 'cancelled')))
);
create unique index container_migrations_open on container_migrations (container_id)
    where state not in ('completed', 'failed', 'rolled_back', 'cancelled');
create index container_migrations_runnable on container_migrations (priority desc, next_run_at)
    where state not in ('completed', 'failed', 'rolled_back', 'cancelled');
create index container_migrations_history on container_migrations (container_id, id desc);
create index container_migrations_target on container_migrations (to_node_id)
    where state not in ('completed', 'failed', 'rolled_back', 'cancelled');
create index container_migrations_leftover on container_migrations (from_node_id) where leftover in ('unknown', 'running');
create index container_migrations_job on container_migrations (job_id);

-- The history in the shape that the customer gave: what is over, and how long
-- each part of it took.
create view container_migration_history as
select id, container_id, from_node_id, to_node_id,
       case state when 'completed' then 'completed' else 'failed' end as status,
       finished_at as timestamp,
       kind as trigger, reason, error, state, attempt, overlap_ms, leftover,
       (extract(epoch from created_at - detected_at) * 1000)::bigint as detect_ms,
       (extract(epoch from coalesce(reserved_at, switched_at) - created_at) * 1000)::bigint as decide_ms,
       (extract(epoch from stopped_at - stopping_at) * 1000)::bigint as stop_ms,
       (extract(epoch from running_at - switched_at) * 1000)::bigint as start_ms,
       (extract(epoch from finished_at - created_at) * 1000)::bigint as duration_ms
from container_migrations
where finished_at is not null;

-- Who is the controller: one row per process that is there. The one with the
-- highest term and a lease that runs is active (FAILOVER §11.1).
create table controllers (
    id          text primary key,       -- kept in the state directory
    term        bigint not null default 0,
    lease_until timestamptz,            -- null: standing by
    seen_at     timestamptz not null default now(),
    url         text not null default '', -- where people reach it
    version     text not null default ''
);
create sequence controller_terms;

-- What an operator said about the fleet as a whole; one row.
create table fleet_state (
    one         boolean primary key default true check (one),
    held        boolean not null default false,  -- no failovers until released
    reason      text not null default '',
    changed_by  uuid references users (id) on delete set null,
    changed_at  timestamptz not null default now()
);
insert into fleet_state default values;

-- A node reported a later epoch than the truth knows: the truth was restored
-- from a backup (FAILOVER §5.6 R7). Failovers are held until released.
create table epoch_regressions (
    container_id uuid primary key references containers (id) on delete cascade,
    node_id      uuid not null references nodes (id) on delete cascade,
    epoch        bigint not null,
    seen_at      timestamptz not null default now()
);
