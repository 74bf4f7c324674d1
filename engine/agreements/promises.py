"""Promises to pay, from the day they are made to their judgment. What they freeze is computed (`engine.debt`).

Every function works in the caller's transaction and, where it does not say otherwise, expects the client to be
locked. Amounts are minor units.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import ColumnElement, func, or_, select, text, update

from engine.agreements.remainder import ask_to_remit
from engine.money import Money
from engine.notices import tell
from engine.plan import Notice
from engine.promise import PromiseState, PromiseTerms, fulfilment, judge
from engine.store.history import note
from engine.store.session import ReadSession, WriteSession, lock_clients
from engine.store.tables.ledger import Appropriation, Promise

PLAIN = PromiseTerms()

CLEARED = "cleared by other means"
"""Why a promise of which nothing came is no fault of the client's: what it was for is no longer owed."""


class NoSuchPromise(LookupError):
    """There is no open promise of that number."""


def fulfilled(of: ColumnElement[bool]) -> ColumnElement[int]:
    """What has come of a promise or an installment."""
    return select(func.coalesce(func.sum(Appropriation.amount), 0)).where(of).scalar_subquery()


def _missing() -> ColumnElement[int]:
    return Promise.amount - fulfilled(Appropriation.promise_id == Promise.id)


async def promise(
    session: WriteSession, client: int, amount: Money, until: date, now: datetime, terms: PromiseTerms = PLAIN
) -> int:
    """Book a promise to pay by the end of the client's day `until`; it counts from `now`. The id of the promise."""
    row = Promise(
        client_id=client,
        currency=amount.currency,
        amount=amount.minor,
        until=until,
        made_at=now,
        channel=terms.channel,
        state=PromiseState.OPEN,
        grace=terms.grace,
        threshold=terms.threshold,
        promiser=terms.promiser,
    )
    session.add(row)
    await session.flush()
    note(
        session,
        client,
        now,
        "promise",
        promise=row.id,
        amount=amount.minor,
        currency=amount.currency,
        until=until.isoformat(),
        grace=terms.grace or None,
        threshold=terms.threshold if terms.threshold < 100 else None,
    )
    await session.flush()
    return row.id


async def replace_promises(session: WriteSession, number: int, now: datetime) -> None:
    """The client names another day by the promise `number`: their other open ones in its currency give way to it."""
    following = await session.get_one(Promise, number)
    others = select(Promise).where(
        Promise.client_id == following.client_id,
        Promise.currency == following.currency,
        Promise.state == PromiseState.OPEN,
        Promise.id != number,
    )
    for row in (await session.scalars(others)).all():
        await _give_way(session, row, following, now)
    await session.flush()


async def correct_promise(session: WriteSession, number: int, amount: Money, until: date, now: datetime) -> bool:
    """The promise `number` puts right what was said wrongly: the client's newest open one of that amount and day gives
    way to it, or the one of which that is missing. Whether there was one.
    """
    following = await session.get_one(Promise, number)
    wrong = select(Promise).where(
        Promise.client_id == following.client_id,
        Promise.currency == amount.currency,
        or_(Promise.amount == amount.minor, _missing() == amount.minor),
        Promise.until == until,
        Promise.state == PromiseState.OPEN,
        Promise.id != number,
    )
    row = await session.scalar(wrong.order_by(Promise.id.desc()).limit(1))
    if row is None:
        return False
    await _give_way(session, row, following, now)
    await session.flush()
    return True


async def redate_amnesty(session: WriteSession, number: int, now: datetime) -> None:
    """The promise `number` is of the very sum that an open amnesty still asks for: it names another day for that."""
    following = await session.get_one(Promise, number)
    same = select(Promise).where(
        Promise.client_id == following.client_id,
        Promise.currency == following.currency,
        _missing() == following.amount,
        Promise.remits.is_not(None),
        Promise.state == PromiseState.OPEN,
        Promise.id != number,
    )
    if (row := await session.scalar(same)) is not None:
        await _give_way(session, row, following, now)
        await session.flush()


async def _give_way(session: WriteSession, row: Promise, following: Promise, now: datetime) -> None:
    """One promise takes the place of another; an amnesty goes with it, if it is for no less than what is missing of the
    part and in the offer's time.
    """
    if row.remits_until is not None and following.until <= row.remits_until:
        paid = int(await session.scalar(select(fulfilled(Appropriation.promise_id == row.id))) or 0)
        if following.amount >= row.amount - paid:
            await _carry_on(session, row, following, paid)
    row.replaced_by = following.id
    end_promise(session, row, PromiseState.REPLACED, now)


async def _carry_on(session: WriteSession, row: Promise, following: Promise, paid: int) -> None:
    """The part stays one, though it comes by several payments: what was paid of it counts for the other day too."""
    following.amount = row.amount if following.amount <= row.amount else following.amount + paid
    following.remits, following.remits_until, following.threshold = row.remits, row.remits_until, row.threshold
    of_it = update(Appropriation).where(Appropriation.promise_id == row.id)
    await session.execute(of_it.values(promise_id=following.id))


async def withdraw_promise(
    session: WriteSession, number: int, reason: str, now: datetime, *, by: str | None = None
) -> None:
    """Call a promise off: what it still froze is collectable again. `by` is a person. Raises NoSuchPromise."""
    row = await session.get(Promise, number, populate_existing=True)
    if row is None or row.state != PromiseState.OPEN:
        raise NoSuchPromise(f"no open promise {number}")
    row.reason = reason
    end_promise(session, row, PromiseState.WITHDRAWN, now, by=by)
    await session.flush()


def end_promise(
    session: WriteSession,
    row: Promise,
    state: PromiseState,
    now: datetime,
    paid: int | None = None,
    *,
    by: str | None = None,
) -> None:
    """Give a promise its last state, and tell the history; `by` where a person ends it."""
    row.state, row.judged_at = state, now
    note(
        session,
        row.client_id,
        now,
        f"promise_{state}",
        promise=row.id,
        amount=row.amount,
        currency=row.currency,
        fulfilment=None if paid is None else fulfilment(row.amount, paid),
        reason=row.reason,
        replaced_by=row.replaced_by,
        by=by,
    )


PROMISERS = text("""
select distinct p.client_id
from promises p join clients c on c.id = p.client_id
where p.state = 'open' and p.until + p.grace < (:now at time zone c.timezone)::date
order by p.client_id
""")

OVER = text("""
select p.id, coalesce((select sum(a.amount) from appropriations a where a.promise_id = p.id), 0)::bigint as paid,
       exists (
         select from invoices i join accounts a on a.id = i.account_id
         where i.client_id = p.client_id and a.currency = p.currency and i.balance > 0
       ) as owes
from promises p join clients c on c.id = p.client_id
where p.state = 'open' and p.until + p.grace < (:now at time zone c.timezone)::date and p.client_id = any(:clients)
order by p.id
""")


async def to_be_judged(session: ReadSession, now: datetime) -> list[int]:
    """The clients with an open promise whose last day and grace are over where they live."""
    return list(await session.scalars(PROMISERS, {"now": now}))


async def judge_promises(session: WriteSession, now: datetime, clients: Sequence[int] | None = None) -> int:
    """Judge the promises of these clients, or of all `to_be_judged`, that are over. Locks the clients.

    How many were judged.
    """
    promisers = await to_be_judged(session, now) if clients is None else clients
    # A payment may come in while we look: with its client held, what is read stays true until it is judged.
    await lock_clients(session, promisers)
    over = (await session.execute(OVER, {"now": now, "clients": list(promisers)})).all()
    for number, paid, owes in over:
        row = await session.get_one(Promise, number, populate_existing=True)
        state = judge(row.amount, paid, over=True, threshold=row.threshold)
        if state is PromiseState.BROKEN and not owes:
            row.reason = CLEARED
        await judged(session, row, state, now, paid)
    await session.flush()
    return len(over)


async def judged(session: WriteSession, row: Promise, state: PromiseState, now: datetime, paid: int) -> None:
    """A promise ends by what was paid; who has kept it is told so."""
    end_promise(session, row, state, now, paid)
    if state is PromiseState.KEPT:
        if row.remits:
            await ask_to_remit(session, row, now)
        await tell(session, row.client_id, row.currency, Notice.PROMISE_KEPT, row.id, now)
