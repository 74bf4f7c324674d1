-- clients
insert into clients (id, ref, group_id, kind, name, language, timezone)
select n, 'C' || n, (select id from plan_groups where name = 'individuals'), 'person',
       convert_to('Client ' || n, 'UTF8'), (array['en', 'ro', 'uk', 'ru'])[1 + n %% 4], 'Europe/Bucharest'
from generate_series(1, %(clients)s) n

-- addresses: seven in ten have a telephone and a mailbox, one a mailbox and a chat, one a mailbox, one a chat
insert into addresses (client_id, channel, sealed, lookup)
select c.id, way.channel, convert_to(way.value, 'UTF8'), sha256(convert_to(way.channel || ':' || way.value, 'UTF8'))
from clients c
cross join lateral (values ('sms', '+407' || lpad(c.id::text, 8, '0'), array[0, 1, 2, 3, 4, 5, 6]),
                           ('email', 'client' || c.id || '@mail.example.com', array[0, 1, 2, 3, 4, 5, 6, 7, 8]),
                           ('telegram', (500000000 + c.id)::text, array[7, 9])) way(channel, value, owners)
where c.id %% 10 = any(way.owners)

-- accounts
insert into accounts (id, ref, client_id, provider, service, currency)
select id, 'A' || id, id, 'acme', 'internet', 'RON' from clients

-- invoices
insert into invoices (id, ref, client_id, account_id, issued, due, amount)
select id, 'I' || id, id, id, %(due)s::date - 14, %(due)s::date, 20000 from clients

-- the ledger
insert into ledger_entries (at, client_id, currency, invoice_id, kind, amount)
select issued::timestamp at time zone 'UTC', client_id, 'RON', id, 'charge', amount from invoices

-- numbers go on from here
select setval(pg_get_serial_sequence(t, 'id'), %(clients)s) from unnest(array['clients', 'accounts', 'invoices']) t

-- statistics
analyze
