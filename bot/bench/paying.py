"""What happens between two runs: some of those who owe pay, the oldest bill or all that is due."""

from __future__ import annotations

from datetime import datetime

import psycopg

PAY = """
with owing as (
  select client_id, row_number() over (order by hashint8extended(client_id, %(time)s)) as place
  from (select distinct client_id from invoices where balance > 0 and due <= %(now)s::date) debtor
  where not exists (select from promises p where p.client_id = debtor.client_id and p.state = 'open')
    and not exists (select from installment_plans p where p.client_id = debtor.client_id and p.ended_at is null)
), paid as (
  insert into payments (ref, client_id, account_id, invoice_id, currency, amount, status, paid_at, source)
  select 'N' || %(time)s || '-' || i.id, i.client_id, i.account_id, i.id, a.currency, i.balance, 'confirmed', %(now)s,
         'bank'
  from (
    select i.*, row_number() over (partition by i.client_id order by i.due, i.id) as no, o.place
    from owing o join invoices i on i.client_id = o.client_id and i.balance > 0 and i.due <= %(now)s::date
    where o.place <= %(clients)s
  ) i join accounts a on a.id = i.account_id
  where i.no = 1 or i.place %% 2 = 0 order by i.id
  returning id, client_id, invoice_id, currency, amount
), booked as (
  insert into ledger_entries (at, client_id, currency, invoice_id, payment_id, kind, amount)
  select %(now)s, client_id, currency, invoice_id, id, 'payment', -amount from paid order by id
)
select count(distinct client_id) from paid
"""
"""Who has promised to pay or pays in parts is left out: such a payment is shared out by the ledger, one by one."""


def pay(address: str, clients: int, time: int, now: datetime) -> int:
    """Book payments of at most so many debtors, others each `time`. How many have paid."""
    with psycopg.connect(address) as connection:
        row = connection.execute(PAY, {"clients": clients, "time": time, "now": now}).fetchone()
        return int(row[0]) if row else 0
