-- SIZE clients who owe, each with a reminder by SMS that stands in the queue. Parameters: size, at, until, content, state.
insert into clients (ref, group_id, name, language, timezone)
select 'Q' || n, (select id from plan_groups limit 1), convert_to('Client ' || n, 'utf8'), 'ro', 'Europe/Bucharest'
from generate_series(1, %(size)s) n;
insert into addresses (client_id, channel, sealed, lookup)
select id, 'sms', convert_to('+407' || lpad(id::text, 8, '0'), 'utf8'), sha256(convert_to(ref, 'utf8')) from clients;
insert into accounts (ref, client_id, provider, service, currency) select ref, id, 'acme', 'internet', 'RON' from clients;
insert into invoices (ref, client_id, account_id, issued, due, amount)
select ref, client_id, id, %(at)s::date - 40, %(at)s::date - 10, 20000 + id from accounts;
insert into ledger_entries (at, client_id, currency, invoice_id, kind, amount)
select %(at)s, client_id, 'RON', id, 'charge', amount from invoices;
insert into cases (client_id, plan_id, plan_name, currency, cycle, stage, started_on, stage_entered_on, entered, told)
select c.id, p.id, p.name, 'RON', 1, 0, %(at)s::date, %(at)s::date, '{0}', 'open' from clients c cross join plans p;
insert into contacts (case_id, client_id, plan_id, currency, occasion, stage, action, touch, script, channels, tried, state,
                      planned_at, send_from, send_until)
select id, client_id, plan_id, 'RON', 'stage', 0, 0, 0, 'reminder', '{sms}', 1, 'opened', %(at)s, %(at)s, %(until)s
from cases;
insert into conversations (client_id, contact_id, address_id, channel, currency, script, script_version, language, state,
                           thread, owner, opened_at, last_at)
select c.client_id, c.id, a.id, 'sms', 'RON', 'reminder', '', 'ro', %(state)s, 'q' || c.id, 'bot', %(at)s, %(at)s
from contacts c join addresses a on a.client_id = c.client_id;
insert into messages (conversation_id, author, at, content) select id, 'bot', %(at)s, %(content)s from conversations;
insert into outbound (message_id, conversation_id, contact_id, address_id, channel, state, priority, parting, send_from,
                      send_until)
select m.id, t.id, t.contact_id, t.address_id, 'sms', 'ready', 10, false, %(at)s, %(until)s
from messages m join conversations t on t.id = m.conversation_id;
