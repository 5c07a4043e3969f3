-- What somebody types at a container's console goes to its node as a command.

-- +goose Up

alter table commands
    add column input text not null default ''; -- emptied once the command is over
