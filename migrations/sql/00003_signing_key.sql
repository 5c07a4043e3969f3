-- Two controllers of one database must sign with one key, or each would refuse
-- what the other has given out.

-- +goose Up

alter table controllers
    add column signing_key text not null default ''; -- fingerprint of its public half
