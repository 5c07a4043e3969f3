-- How often somebody asked for the installation of a container again. The node
-- compares it with what the volume says of itself, so the wish outlives
-- everything: see agent/internal/reconcile/install.go.

-- +goose Up

alter table containers add column installs bigint not null default 0;
