-- A container that has moved shows that for a minute (FAILOVER §7). Who ends it
-- asks every second, and must not read all containers for that.

-- +goose Up

create index containers_completed on containers (last_migration_at) where migration_status = 'completed';
