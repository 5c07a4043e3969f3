-- Nobody claims migrations: one controller reigns, and each step locks its
-- containers with SKIP LOCKED and is fenced by the migration's version.

-- +goose Up

drop index container_migrations_runnable;
alter table container_migrations drop column claimed_by, drop column claimed_until;
