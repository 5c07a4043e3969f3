-- +goose Up
alter table nodes add column port_pools jsonb not null default '[]';          -- spec.Pool; none: the default one
alter table node_health add column busy_ports jsonb not null default '[]';    -- spec.Port that others on the machine listen on
alter table allocations drop constraint allocations_protocol_check,
    add constraint allocations_protocol_check check (protocol in ('tcp', 'udp', 'both'));

-- +goose Down
alter table allocations drop constraint allocations_protocol_check,
    add constraint allocations_protocol_check check (protocol in ('tcp', 'udp'));
alter table node_health drop column busy_ports;
alter table nodes drop column port_pools;
