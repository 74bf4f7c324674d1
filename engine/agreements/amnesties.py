"""Amnesties: a promise of a part that, once it is kept, has a person cancel the rest, frozen meanwhile (C10).

Works in the caller's transaction and expects the client to be locked. Amounts are minor units.
"""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import select

from engine.agreements.promises import promise
from engine.money import Money
from engine.offer import Amnesty
from engine.promise import PromiseState, PromiseTerms
from engine.store.history import note
from engine.store.session import WriteSession
from engine.store.tables.ledger import Promise


async def take_amnesty(
    session: WriteSession,
    client: int,
    offered: Amnesty,
    debt: Money,
    until: date,
    now: datetime,
    terms: PromiseTerms,
) -> bool:
    """Book an amnesty over `debt`, what is free: the part is promised by the offer's last day, `until`.

    A day that is named later takes its place (`replace_promises`). One that runs already is not taken twice. False
    where there is no debt.
    """
    running = select(Promise.id).where(
        Promise.client_id == client,
        Promise.currency == debt.currency,
        Promise.state == PromiseState.OPEN,
        Promise.remits.is_not(None),
    )
    if await session.scalar(running.limit(1)) is not None:
        return True
    part = Money(offered.part(debt.minor), debt.currency)
    if part == debt:
        return False
    number = await promise(session, client, part, until, now, terms)
    row = await session.get_one(Promise, number)
    row.remits, row.remits_until = (debt - part).minor, until
    note(session, client, now, "amnesty", promise=number, amount=row.remits, currency=debt.currency)
    await session.flush()
    return True
