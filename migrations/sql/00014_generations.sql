-- What If-Match of an egg category is held against, as 00007 has it for the
-- other nouns.

-- +goose Up

alter table egg_categories add column generation bigint not null default 1 check (generation > 0);
