"""What a run has come to, in a few words: so that two ways to the same decisions can be told to be the same."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import psycopg

DIGESTS = """
select 'decisions', count(*), coalesce(sum(hashtextextended(concat_ws('|',
         client_id, plan_name, currency, day, key, says, inputs - 'holds', held.holds), 0)::numeric), 0)
from decisions cross join lateral (
  select jsonb_agg(hold order by hold) as holds from jsonb_array_elements(inputs -> 'holds') hold
) held
where at = %(now)s
union all
select 'cases', count(*), coalesce(sum(hashtextextended(concat_ws('|',
         client_id, plan_name, currency, cycle, stage, started_on, stage_entered_on, entered, told, ending, closed_on),
         0)::numeric), 0)
from cases
union all
select 'contacts', count(*), coalesce(sum(hashtextextended(concat_ws('|',
         client_id, plan_id, currency, stage, action, script, channels, state, send_from, send_until), 0)::numeric), 0)
from contacts where planned_at = %(now)s or state = 'superseded'
union all
select 'orders', count(*), coalesce(sum(hashtextextended(concat_ws('|',
         client_id, account_id, stage, verb), 0)::numeric), 0)
from service_orders where ordered_at = %(now)s
union all
select 'tasks', count(*), coalesce(sum(hashtextextended(concat_ws('|',
         client_id, kind, reason, source), 0)::numeric), 0)
from tasks where created_at = %(now)s
union all
select 'history', count(*), coalesce(sum(hashtextextended(concat_ws('|',
         client_id, kind, detail), 0)::numeric), 0)
from case_events where at = %(now)s
"""
"""Sums of hashes do not depend on the order of the rows; numbers the database gave out are left out of them, and so is
the order of what freezes a debt: holds that began at the same moment have none."""

Digests = dict[str, tuple[int, int]]
"""Of each kind of row how many there are, and the sum of their hashes."""

UNBALANCED = """
select (select count(*) from invoices i
        left join (select invoice_id, sum(amount) as sum from ledger_entries group by invoice_id) l
          on l.invoice_id = i.id
        where i.balance <> coalesce(l.sum, 0))
     + (select count(*) from payments p
        left join (select payment_id, -sum(amount) as sum from ledger_entries group by payment_id) l
          on l.payment_id = p.id
        where coalesce(l.sum, 0) <> case p.status when 'confirmed' then p.amount else 0 end)
"""


def digests(address: str, now: datetime) -> Digests:
    """What a run at `now` has left."""
    with psycopg.connect(address) as connection:
        return {what: (int(rows), int(total)) for what, rows, total in connection.execute(DIGESTS, {"now": now})}


def unbalanced(address: str) -> int:
    """Invoices whose balance is not the sum of their entries, and payments that were not booked in full."""
    with psycopg.connect(address) as connection:
        row: tuple[Any, ...] | None = connection.execute(UNBALANCED).fetchone()
        return int(row[0]) if row else 0
