"""What the passing of days brings by itself: promises fall due for judgment, credit meets newly due invoices."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import text

from engine.agreements.promises import judge_promises, to_be_judged
from engine.calendar import Hours
from engine.ledger import settle_credit
from engine.run import decide_clients
from engine.store.session import Database, lock_clients

CHUNK = 500
"""So many clients are held at once while their promises are judged: a payment of theirs waits no longer than that."""

CREDIT_TO_USE = text("""
select credit.client_id
from credits credit join clients c on c.id = credit.client_id
where credit.amount > 0 and exists (
  select from invoices i join accounts a on a.id = i.account_id
  where i.client_id = credit.client_id and a.currency = credit.currency and i.balance > 0
    and i.due <= (:now at time zone c.timezone)::date
)
order by credit.client_id
""")


async def turn_day(database: Database, now: datetime, hours: Hours) -> None:
    """Judge promises whose last day is over and use credit for what is due, each in the client's own zone."""
    async with database.read() as session:
        promisers = await to_be_judged(session, now)
    for start in range(0, len(promisers), CHUNK):
        async with database.write() as session:
            await judge_promises(session, now, promisers[start : start + CHUNK])
    async with database.read() as session:
        clients = list(await session.scalars(CREDIT_TO_USE, {"now": now}))
    for client in clients:
        async with database.write() as session:
            await lock_clients(session, [client])
            await settle_credit(session, client, now)
            await decide_clients(session, [client], now, hours)
