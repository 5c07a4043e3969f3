-- The house of DESIGN §4. Postgres is the truth; constraints hold the
-- invariants, so that no path through the code can break them.

-- +goose Up

create table users (
    id                   uuid primary key,
    email                text not null check (email = lower(email) and email like '%_@_%'),
    name                 text not null default '',
    password_hash        text not null,
    must_change_password boolean not null default false,
    disabled_at          timestamptz,
    created_at           timestamptz not null default now(),
    updated_at           timestamptz not null default now()
);
create unique index users_email on users (email);

create table roles (
    id             uuid primary key,
    name           text not null unique,
    description    text not null default '',
    parent_role_id uuid references roles (id),
    builtin        boolean not null default false,
    created_at     timestamptz not null default now()
);

create table role_permissions (
    role_id    uuid not null references roles (id) on delete cascade,
    permission text not null,
    primary key (role_id, permission)
);

create table role_bindings (
    user_id    uuid not null references users (id) on delete cascade,
    role_id    uuid not null references roles (id) on delete cascade,
    scope      text not null check (scope in ('global', 'cluster', 'node', 'container')),
    scope_id   uuid,
    created_at timestamptz not null default now(),
    check ((scope = 'global') = (scope_id is null))
);
create unique index role_bindings_once on role_bindings (user_id, role_id, scope, coalesce(scope_id, '00000000-0000-0000-0000-000000000000'));

-- A session is one sign-in: a family of refresh tokens of which only the
-- newest is good. The one before is kept to tell a replay from noise.
create table sessions (
    id            uuid primary key,
    user_id       uuid not null references users (id) on delete cascade,
    refresh_hash  bytea not null,
    previous_hash bytea,
    rotated_at    timestamptz not null default now(),
    created_at    timestamptz not null default now(),
    expires_at    timestamptz not null,
    revoked_at    timestamptz,
    revoke_reason text,
    address       text not null default '',
    user_agent    text not null default ''
);
create index sessions_user on sessions (user_id);
create unique index sessions_refresh on sessions (refresh_hash);
create index sessions_previous on sessions (previous_hash);

create table api_tokens (
    id           uuid primary key,
    user_id      uuid not null references users (id) on delete cascade,
    name         text not null,
    token_hash   bytea not null unique,
    permissions  text[] not null check (cardinality(permissions) > 0),
    created_at   timestamptz not null default now(),
    expires_at   timestamptz,
    last_used_at timestamptz,
    revoked_at   timestamptz
);
create index api_tokens_user on api_tokens (user_id);

create table clusters (
    id          uuid primary key,
    name        text not null unique,
    description text not null default '',
    created_at  timestamptz not null default now()
);

create table nodes (
    id             uuid primary key,
    name           text not null,
    description    text not null default '',
    cluster_id     uuid references clusters (id) on delete set null,
    labels         jsonb not null default '{}',
    -- what the agent said of itself at its last hello
    hostname       text not null default '',
    machine_id     text not null default '',
    arch           text not null default '',
    agent_version  text not null default '',
    docker_version text not null default '',
    joined_at      timestamptz,
    created_at     timestamptz not null default now(),
    updated_at     timestamptz not null default now(),
    deleted_at     timestamptz
);
create unique index nodes_name on nodes (name) where deleted_at is null;

-- One row per node, written often: kept small and apart from nodes.
-- capacity is what the node offers less what is reserved, for people;
-- offer_* and reserved_* are the ledger that placement works on.
create table node_health (
    node_id         uuid primary key references nodes (id) on delete cascade,
    status          text not null default 'joining'
                    check (status in ('joining', 'healthy', 'suspect', 'unhealthy', 'returning')),
    status_since    timestamptz not null default now(),
    status_reason   text not null default 'waiting for the agent',
    last_heartbeat  timestamptz,
    offer_cpu       bigint not null default 0 check (offer_cpu >= 0),       -- thousandths of a core
    offer_memory    bigint not null default 0 check (offer_memory >= 0),    -- bytes
    offer_disk      bigint not null default 0 check (offer_disk >= 0),      -- bytes
    reserved_cpu    bigint not null default 0 check (reserved_cpu >= 0),
    reserved_memory bigint not null default 0 check (reserved_memory >= 0),
    reserved_disk   bigint not null default 0 check (reserved_disk >= 0),
    rev             bigint not null default 0,  -- of the desired set; only grows
    applied_rev     bigint not null default 0,  -- last reported by the agent
    -- jsonb_build_object is not immutable, so the text is put together by hand
    capacity        jsonb generated always as (('{"cpu":' || ((offer_cpu - reserved_cpu) / 1000.0)::text
                        || ',"memory":' || (offer_memory - reserved_memory)::text
                        || ',"disk":' || (offer_disk - reserved_disk)::text || '}')::jsonb) stored
) with (fillfactor = 70);

create table node_credentials (
    id         uuid primary key,  -- jti of the token
    node_id    uuid not null references nodes (id) on delete cascade,
    created_at timestamptz not null default now(),
    created_by uuid references users (id),
    last_used_at timestamptz,
    revoked_at timestamptz
);
create index node_credentials_node on node_credentials (node_id);

create table egg_categories (
    id          uuid primary key,
    name        text not null unique,
    description text not null default '',
    created_at  timestamptz not null default now()
);

create table eggs (
    id          uuid primary key,
    category_id uuid references egg_categories (id),
    name        text not null,
    description text not null default '',
    author      text not null default '',
    definition  jsonb not null,         -- shared/egg.Egg without its variables
    source      bytea,                  -- the file as it was imported
    generation  bigint not null default 1,
    created_at  timestamptz not null default now(),
    updated_at  timestamptz not null default now(),
    deleted_at  timestamptz
);
create unique index eggs_name on eggs (name) where deleted_at is null;

create table egg_variables (
    egg_id        uuid not null references eggs (id) on delete cascade,
    position      int not null,
    name          text not null,
    description   text not null default '',
    env           text not null,
    default_value text not null default '',
    rules         text[] not null default '{}',
    user_viewable boolean not null default true,
    user_editable boolean not null default true,
    primary key (egg_id, position)
);

create table containers (
    id                   uuid primary key,
    name                 text not null,
    egg_id               uuid not null references eggs (id),
    owner_id             uuid references users (id),
    node_id              uuid not null references nodes (id),
    spec                 jsonb not null,
    spec_hash            text not null,
    generation           bigint not null default 1 check (generation > 0),
    epoch                bigint not null default 1 check (epoch > 0),
    desired_power        text not null check (desired_power in ('running', 'stopped', 'absent')),
    type                 text not null default 'standard' check (type in ('standard', 'ha')),
    ha_policy            text check (ha_policy in ('available', 'exclusive')),
    migration_status     text not null default 'idle'
                         check (migration_status in ('idle', 'migrating', 'completed', 'failed')),
    preferred_cluster_id uuid references clusters (id) on delete set null,
    last_migration_at    timestamptz,
    cpu                  bigint not null check (cpu > 0),
    memory               bigint not null check (memory > 0),
    disk                 bigint not null check (disk >= 0),
    -- what the agent last reported; observed_rev orders the reports
    observed             jsonb,
    observed_at          timestamptz,
    created_at           timestamptz not null default now(),
    updated_at           timestamptz not null default now(),
    deleted_at           timestamptz,   -- set when the agent confirmed the removal
    check ((type = 'ha') = (ha_policy is not null))
);
create unique index containers_name on containers (name) where deleted_at is null;
create index containers_node on containers (node_id) where deleted_at is null;
create index containers_egg on containers (egg_id) where deleted_at is null;

create table allocations (
    node_id      uuid not null references nodes (id) on delete cascade,
    ip           text not null default '',
    port         int not null check (port between 1 and 65535),
    protocol     text not null check (protocol in ('tcp', 'udp')),
    -- ports are chosen before the container's row, which holds them, is written
    container_id uuid not null references containers (id) on delete cascade deferrable initially deferred,
    primary key (node_id, ip, port, protocol)
);
create index allocations_container on allocations (container_id);

-- What changed on a node at which revision: the source of a delta.
create table node_changes (
    node_id      uuid not null references nodes (id) on delete cascade,
    rev          bigint not null,
    container_id uuid not null,
    primary key (node_id, rev, container_id)
);

-- How far an agent's outbox has been taken in.
create table node_cursor (
    node_id   uuid primary key references nodes (id) on delete cascade,
    ledger_id text not null,
    last_seq  bigint not null
);

create table jobs (
    id           uuid primary key,
    kind         text not null,          -- the verb: container.create, …
    state        text not null check (state in ('queued', 'running', 'succeeded', 'failed', 'expired', 'superseded')),
    node_id      uuid references nodes (id) on delete set null,
    container_id uuid,
    progress     int not null default 0 check (progress between 0 and 100),
    step         text not null default '',
    error        text not null default '',
    requested_by uuid references users (id) on delete set null,
    created_at   timestamptz not null default now(),
    started_at   timestamptz,
    finished_at  timestamptz,
    check ((finished_at is null) = (state in ('queued', 'running')))
);
create index jobs_created on jobs (created_at desc, id desc);
create index jobs_container on jobs (container_id, created_at desc);

create table commands (
    id           uuid primary key,
    job_id       uuid not null references jobs (id) on delete cascade,
    node_id      uuid not null references nodes (id) on delete cascade,
    container_id uuid,
    action       text not null,
    receipt      text not null default 'queued'
                 check (receipt in ('queued', 'delivered', 'applied', 'failed', 'expired', 'superseded')),
    rev          bigint not null default 0,
    epoch        bigint not null default 0,
    generation   bigint not null default 0,
    deadline     timestamptz,
    message      text not null default '',
    queued_at    timestamptz not null default now(),
    delivered_at timestamptz,
    finished_at  timestamptz
);
create index commands_open on commands (node_id, queued_at) where receipt in ('queued', 'delivered');
create index commands_job on commands (job_id);
create index commands_container on commands (container_id) where receipt in ('queued', 'delivered');
create index commands_deadline on commands (deadline) where receipt in ('queued', 'delivered') and deadline is not null;

-- A node has something new. Written with the change itself and taken away
-- once the agent has been told; an absent agent is told at its hello.
create table outbox (
    id         bigint generated always as identity primary key,
    node_id    uuid not null references nodes (id) on delete cascade,
    command_id uuid,
    created_at timestamptz not null default now()
);

create table audit_log (
    id          uuid primary key,
    at          timestamptz not null default now(),
    actor_kind  text not null check (actor_kind in ('user', 'token', 'node', 'system', 'anonymous')),
    actor_id    uuid,
    actor_name  text not null default '',
    verb        text not null,
    target_kind text not null default '',
    target_id   uuid,
    target_name text not null default '',
    outcome     text not null check (outcome in ('ok', 'denied', 'failed')),
    reason      text not null default '',
    address     text not null default '',
    request_id  text not null default '',
    detail      jsonb
);
create index audit_log_at on audit_log (at desc, id desc);
create index audit_log_target on audit_log (target_id, at desc);

-- Requests that their sender may repeat: what each led to, never a secret.
create table idempotency_keys (
    user_id      uuid not null,
    key          text not null,
    request_hash bytea not null,
    response     jsonb not null,
    created_at   timestamptz not null default now(),
    primary key (user_id, key)
);

