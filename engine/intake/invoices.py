"""Invoices as a feed gives them, booked in the ledger: what was billed, and what of it was settled elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import psycopg

from engine.intake.rows import InvoiceRow
from engine.intake.stage import Taken, all_placed, import_alone, lock, stage
from engine.ledger import settle_credit
from engine.store.session import WriteSession, driver

INVOICES = {
    "ref": "text",
    "account": "text",
    "currency": "text",
    "issued": "date",
    "due": "date",
    "amount": "int8",
    "balance": "int8",
}

ORPHAN = """
select i.ref, i.account || ' in ' || i.currency from incoming_invoices i left join accounts a on a.ref = i.account
where a.id is null or a.currency <> i.currency
"""

CORRECT = """
insert into ledger_entries (at, client_id, currency, invoice_id, kind, amount)
select %(now)s, v.client_id, i.currency, v.id, 'prior', i.balance - v.balance
from incoming_invoices i join invoices v on v.ref = i.ref
where i.balance < v.balance or i.balance > v.balance and not exists (
  select from (
    select id, sum(amount) over (order by id) as stood,
           max(id) filter (where kind in ('charge', 'prior')) over () as last_word
    from ledger_entries where invoice_id = v.id
  ) history
  where id >= last_word and stood = i.balance
)
returning client_id
"""
"""A balance the ledger has passed since the feed last changed it is not news: the feed has yet to hear of what was
paid since, and nobody may be chased again for what they paid."""

BILL = """
with billed as (
  insert into invoices (ref, client_id, account_id, issued, due, amount)
  select i.ref, a.client_id, a.id, i.issued, i.due, i.amount
  from incoming_invoices i join accounts a on a.ref = i.account
  where not exists (select from invoices v where v.ref = i.ref)
  order by a.client_id
  returning id, ref, client_id, amount
)
insert into ledger_entries (at, client_id, currency, invoice_id, kind, amount)
select %(now)s, b.client_id, i.currency, b.id, part.kind, part.amount
from billed b join incoming_invoices i on i.ref = b.ref
cross join lateral (values ('charge', b.amount), ('prior', i.balance - b.amount)) part (kind, amount)
where part.amount <> 0
returning client_id, kind
"""

IN_CREDIT = """
select client_id from ledger_entries where invoice_id is null and client_id = any(%s)
group by client_id, currency having sum(amount) < 0 order by client_id
"""


async def take_invoices(session: WriteSession, rows: Sequence[InvoiceRow], now: datetime) -> Taken:
    """Bill what is new, and bring the balances of what is known to what the feed says. Raises UnknownOwner.

    A feed that lags behind payments booked here does not undo them: see CORRECT.
    What a client has in credit settles at once what is due by now.
    """
    await import_alone(session)
    connection = await driver(session)
    async with connection.cursor() as cursor:
        await stage(cursor, "incoming_invoices", INVOICES, map(_staged, rows))
        await all_placed(cursor, ORPHAN)
        await lock(cursor, "select a.client_id from incoming_invoices i join accounts a on a.ref = i.account")
        corrected = await _clients(cursor, CORRECT, now)
        billed = await (await cursor.execute(BILL, {"now": now})).fetchall()
        added = sum(kind == "charge" for _, kind in billed)
        touched = sorted({*corrected, *(client for client, _ in billed)})
        await cursor.execute(IN_CREDIT, (touched,))
        in_credit = sorted({row[0] for row in await cursor.fetchall()})
    for client in in_credit:
        await settle_credit(session, client, now)
    return Taken(added, len(corrected), len(rows) - added - len(corrected), tuple(touched))


async def _clients(cursor: psycopg.AsyncCursor[Any], statement: str, now: datetime) -> list[int]:
    await cursor.execute(statement, {"now": now})
    return [row[0] for row in await cursor.fetchall()]


def _staged(row: InvoiceRow) -> tuple[Any, ...]:
    balance = None if row.balance is None else row.balance.minor
    return row.invoice, row.account, row.amount.currency, row.issued, row.due, row.amount.minor, balance
