-- clients
insert into clients (id, ref, group_id, plans, kind, name, language, language_chosen, timezone, country)
select c.id, 'C' || c.id, g.id,
       case when draw(c.id, 'plan') < 0.85 then '{}' else array[choice.other] end,
       choice.kind, convert_to('Client ' || c.id, 'UTF8'),
       case when draw(c.id, 'language') < 0.8 then home.language else home.second end, false, home.timezone, home.country
from generate_series(1, amount_of_clients()) c(id)
cross join lateral (select case when draw(c.id, 'country') < 0.4 then 1 when draw(c.id, 'country') < 0.6 then 2
                                when draw(c.id, 'country') < 0.9 then 3 else 4 end as no) place
join (values (1, 'RO', 'Europe/Bucharest', 'ro', 'en'), (2, 'MD', 'Europe/Chisinau', 'ro', 'ru'),
             (3, 'UA', 'Europe/Kyiv', 'uk', 'ru'), (4, 'GB', 'Europe/London', 'en', 'ro')
     ) home(no, country, timezone, language, second) on home.no = place.no
cross join lateral (select case when draw(c.id, 'group') < 0.70 then 1 when draw(c.id, 'group') < 0.82 then 2
                                when draw(c.id, 'group') < 0.96 then 3 else 4 end as no) kin
join (values (1, 'individuals', 'person', 'patient'), (2, 'premium', 'person', 'measured'),
             (3, 'companies', 'organisation', 'large_company'), (4, 'institutions', 'organisation', 'hospital')
     ) choice(no, name, kind, other) on choice.no = kin.no
join plan_groups g on g.name = choice.name;
analyze clients;

-- addresses
insert into addresses (client_id, channel, sealed, lookup)
select c.id, way.channel, convert_to(way.value, 'UTF8'), sha256(convert_to(way.channel || ':' || way.value, 'UTF8'))
from clients c cross join lateral (values
  ('sms', '+407' || lpad(c.id::text, 8, '0'), 0.9), ('email', 'client' || c.id || '@mail.example.com', 0.8),
  ('voice', '+407' || lpad(c.id::text, 8, '0'), 0.4)) way(channel, value, share)
where draw(c.id, 'address ' || way.channel) < way.share or way.channel = 'email' and draw(c.id, 'address sms') >= 0.9;

-- accounts
insert into accounts (ref, client_id, provider, service, currency, status)
select 'A' || c.id || '-' || a.no, c.id, 'acme', (array['internet', 'mobile', 'tv'])[a.no],
       case c.country when 'RO' then 'RON' when 'MD' then 'MDL' when 'UA' then 'UAH' else 'GBP' end, 'active'
from clients c cross join generate_series(1, 3) a(no)
where a.no <= case when draw(c.id, 'accounts') < 0.75 then 1 when draw(c.id, 'accounts') < 0.95 then 2 else 3 end
order by c.id, a.no;
analyze accounts;

-- what every account was billed, and how much of it is unpaid
create temporary table bills as
select row_number() over (order by a.id, k.no) as id, k.no, a.id as account_id, a.client_id, a.currency,
       a.due - 30 * k.no - 14 as issued, a.due - 30 * k.no as due, bill.amount,
       case when a.due - 30 * k.no > today() then case when draw(a.id, 'early') < 0.62 then bill.amount else 0 end
            when k.no - (a.due > today())::int >= a.unpaid then 0
            when draw(a.id * 4 + k.no, 'part') < 0.15 then bill.amount - bill.amount / 3
            else bill.amount end as balance
from (
  select a.*, today() + 10 - floor(draw(a.id, 'due') * 30)::int as due,
         case when draw(a.client_id, 'manner') >= 0.20 or a.no > 1 and draw(a.id, 'beside') >= 0.6 then 0
              when draw(a.client_id, 'manner') >= 0.10 then 1
              when draw(a.client_id, 'manner') >= 0.04 then 2 else 3 end as unpaid
  from (select *, split_part(ref, '-', 2)::int as no from accounts) a
) a
cross join generate_series(0, 2) k(no)
cross join lateral (
  select floor(100 * (case a.currency when 'RON' then 65 when 'MDL' then 280 when 'UAH' then 350 else 34 end)
               * (0.4 + 1.2 * draw(a.id, 'price')) * (0.9 + 0.2 * draw(a.id * 4 + k.no, 'usage')))::bigint as amount
) bill;
analyze bills;

-- invoices
insert into invoices (id, ref, client_id, account_id, issued, due, amount, balance)
select id, 'I' || id, client_id, account_id, issued, due, amount, balance from bills order by id;

-- what was paid of each: by a payment, some a little too much, some before we knew, some written off
create temporary table receipts as
select row_number() over (order by b.id) as id, b.id as bill, b.client_id, b.account_id, b.currency,
       b.amount - b.balance as paid,
       case when draw(b.id, 'how') < 0.02 then 'prior' when draw(b.id, 'how') < 0.03 then 'credit_memo'
            else 'payment' end as kind,
       case when draw(b.client_id, 'manner') >= 0.20 and draw(b.id, 'how') > 0.99 then 500 else 0 end as over,
       (least(b.due + case when b.balance > 0 then 2 else -floor(draw(b.id, 'when') * 13)::int end, today() - 1)
          + interval '10 hours' + draw(b.id, 'hour') * interval '8 hours') at time zone 'UTC' as at
from bills b where b.amount > b.balance;
analyze receipts;

-- payments
insert into payments (id, ref, client_id, account_id, invoice_id, currency, amount, status, paid_at, source)
select id, 'P' || id, client_id, account_id, bill, currency, paid + over, 'confirmed', at, 'bank'
from receipts where kind = 'payment' order by id;

-- payments announced and not yet seen
insert into payments (id, ref, client_id, account_id, invoice_id, currency, amount, status, paid_at, source)
select (select max(id) from receipts) + row_number() over (order by b.id), 'U' || b.id, b.client_id, b.account_id, b.id, b.currency, b.balance, 'unconfirmed',
       (today() - 1 + interval '11 hours') at time zone 'UTC', 'claim'
from bills b where b.balance > 0 and b.due <= today() and draw(b.id, 'announced') < 0.015 order by b.id;

-- the ledger
insert into ledger_entries (at, client_id, currency, invoice_id, payment_id, kind, amount)
select issued::timestamp at time zone 'UTC', client_id, currency, id, null, 'charge', amount from bills
union all
select at, client_id, currency, bill, case when kind = 'payment' then id end, kind, -paid from receipts
union all
select at, client_id, currency, null, id, 'credit', -over from receipts where kind = 'payment' and over > 0;

-- what each debtor owes
create temporary table debts as
select client_id, currency, sum(balance)::bigint as owed, min(due) as oldest, count(*)::int as invoices,
       min(id) as first_invoice
from bills where balance > 0 and due <= today() group by client_id, currency;
analyze debts;

-- and on which account
create temporary table account_debts as
select client_id, account_id, sum(balance)::bigint as owed
from bills where balance > 0 and due <= today() group by client_id, account_id;
analyze account_debts;

-- promises of debtors
insert into promises (client_id, currency, amount, until, made_at, channel, state, judged_at, grace, threshold)
select d.client_id, d.currency, case when draw(d.client_id, 'whole') < 0.7 then d.owed else d.owed / 2 end,
       case when how.open then today() + 1 + floor(draw(d.client_id, 'until') * 14)::int
            else today() - 2 - floor(draw(d.client_id, 'until') * 20)::int end,
       (today() - case when how.open then 4 else 30 end + interval '12 hours') at time zone 'UTC', 'sms',
       case when how.open then 'open' else 'broken' end,
       case when not how.open then (today() - 1 + interval '3 hours') at time zone 'UTC' end, 0, 100
from debts d cross join lateral (select draw(d.client_id, 'promise') < 0.075 as open) how
where d.owed > 1000 and draw(d.client_id, 'promise') < 0.15 order by d.client_id;

-- promises that were kept, and by which payment
with kept as (
  insert into promises (client_id, currency, amount, until, made_at, channel, state, judged_at)
  select client_id, currency, paid, at::date, at - interval '5 days', 'sms', 'kept', at
  from receipts where kind = 'payment' and draw(id, 'kept') < 0.0065 order by id
  returning id, client_id, amount, made_at
)
insert into appropriations (payment_id, promise_id, amount)
select r.id, k.id, k.amount
from kept k join receipts r on r.client_id = k.client_id and r.at = k.made_at + interval '5 days' and r.paid = k.amount
where r.kind = 'payment' and draw(r.id, 'kept') < 0.0065 order by k.id;

-- disputes, open ones of what is owed and resolved ones
insert into disputes (client_id, invoice_id, currency, amount, reason, opened_at, resolved_at, granted)
select client_id, id, currency, case when balance > 0 then balance else amount end, 'not_received',
       (today() - 9 + interval '9 hours') at time zone 'UTC',
       case when balance = 0 then (today() - 4 + interval '9 hours') at time zone 'UTC' end,
       case when balance = 0 then 0 end
from bills where due <= today() and draw(id, 'dispute') < case when balance > 0 then 0.012 else 0.0018 end order by id;

-- installment plans, running ones of larger debts and ended ones
insert into installment_plans (client_id, currency, agreed_at, ended_at, outcome)
select d.client_id, d.currency, (today() - 12 + interval '15 hours') at time zone 'UTC', null, null
from debts d where d.invoices > 1 and d.owed > 3000 and draw(d.client_id, 'installments') < 0.10
union all
select a.client_id, a.currency,
       (today() - 120 + interval '15 hours') at time zone 'UTC', (today() - 35 + interval '9 hours') at time zone 'UTC',
       'cancelled'
from accounts a where draw(a.client_id, 'installments') >= 0.988 and a.ref = 'A' || a.client_id || '-1';

-- installments; some of the running plans missed their first
insert into installments (plan_id, no, due, amount)
select p.id, part.no,
       case when p.ended_at is null then today() - 6 + part.no * 30 - case when draw(p.client_id, 'missed') < 0.1 then 28
                 else 20 end else today() - 130 + part.no * 30 end,
       greatest(coalesce(d.owed, 9000) / 3, 1) + case when part.no = 3 then coalesce(d.owed, 9000) % 3 else 0 end
from installment_plans p cross join generate_series(1, 3) part(no) left join debts d on d.client_id = p.client_id
order by p.id, part.no;

-- pauses and exemptions
insert into dunning_pauses (client_id, starts, ends, reason, made_by, made_at)
select client_id, today() - 5, today() + 9, 'hospital', 'operator', (today() - 5 + interval '9 hours') at time zone 'UTC'
from debts where draw(client_id, 'pause') < 0.01 order by client_id;

-- exemptions
insert into exemptions (client_id, invoice_id, until, reason, made_by, made_at)
select client_id, first_invoice, today() + 20, 'goodwill', 'operator', (today() - 3 + interval '9 hours') at time zone 'UTC'
from debts where draw(client_id, 'exempt') < 0.008 order by client_id;
