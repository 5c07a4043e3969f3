-- +goose Up
create unique index eggs_uuid on eggs ((definition->>'uuid')) where deleted_at is null; -- an import updates the egg of its uuid

-- +goose Down
drop index eggs_uuid;
