-- People: users, roles, bindings, tokens, audit, and secrets at rest (DESIGN §8).
-- What is sealed is encrypted with a key that is not in the database.

-- +goose Up

-- generation is what If-Match is held against.
alter table users
    add column generation  bigint not null default 1 check (generation > 0),
    add column totp_secret text,                     -- sealed; asked for only once it was confirmed
    add column totp_since  timestamptz,              -- when it was confirmed
    add column totp_step   bigint not null default 0, -- the last that was used: none is good twice
    add check (totp_since is null or totp_secret is not null);

create table user_settings (
    user_id    uuid primary key references users (id) on delete cascade,
    theme      text not null default 'system' check (theme in ('system', 'light', 'dark')),
    time_zone  text not null default '',             -- IANA; empty: the browser's
    updated_at timestamptz not null default now()
);

-- What stands in for the second factor once each.
create table recovery_codes (
    user_id   uuid not null references users (id) on delete cascade,
    code_hash bytea not null,
    used_at   timestamptz,
    primary key (user_id, code_hash)
);

-- One-time links with which somebody sets his own password.
create table password_resets (
    id          uuid primary key,
    user_id     uuid not null references users (id) on delete cascade,
    secret_hash bytea not null unique,
    created_by  uuid references users (id) on delete set null,
    created_at  timestamptz not null default now(),
    expires_at  timestamptz not null,
    used_at     timestamptz
);
create index password_resets_user on password_resets (user_id);

alter table api_tokens
    add column last_used_address text not null default '';

alter table roles
    add column generation bigint not null default 1 check (generation > 0),
    add column updated_at timestamptz not null default now();
create index roles_parent on roles (parent_role_id);

alter table role_bindings
    add column id         uuid not null default gen_random_uuid(),
    add column created_by uuid references users (id) on delete set null;
create unique index role_bindings_id on role_bindings (id);
create index role_bindings_role on role_bindings (role_id);
create index role_bindings_scope on role_bindings (scope_id) where scope_id is not null;

alter table clusters
    add column generation bigint not null default 1 check (generation > 0),
    add column updated_at timestamptz not null default now();
alter table nodes
    add column generation bigint not null default 1 check (generation > 0);

-- A user who goes takes no node's credential along.
alter table node_credentials
    drop constraint node_credentials_created_by_fkey,
    add foreign key (created_by) references users (id) on delete set null;
create index containers_owner on containers (owner_id) where deleted_at is null;

-- What a change made of what.
alter table audit_log
    add column before jsonb,
    add column after  jsonb;
create index audit_log_actor on audit_log (actor_id, at desc);
create index audit_log_verb on audit_log (verb, at desc);

-- A word sealed with the key of this database: who cannot open it has another
-- key, and must not write anything.
create table secret_key (
    one    boolean primary key default true check (one),
    canary text not null
);
