"""Conditional payments: promises, disputes, installments. What they freeze is computed (`engine.debt`), never stored.

Every function works in the caller's transaction and expects the client to be locked. Amounts are minor units.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import func, select, text, update

from engine.money import Money
from engine.promise import PromiseState, judge
from engine.store.session import ReadSession, WriteSession, lock_clients
from engine.store.tables.casework import CaseEvent
from engine.store.tables.ledger import (
    Appropriation,
    Dispute,
    Installment,
    InstallmentPlan,
    InstallmentRequest,
    Payment,
    Promise,
)


class NoSuchDispute(LookupError):
    """There is no open dispute of that number."""


@dataclass(frozen=True, slots=True)
class Part:
    """One part of an installment plan: minor units due on a day of the client's."""

    due: date
    amount: int


async def promise(
    session: WriteSession, client: int, amount: Money, until: date, now: datetime, channel: str | None = None
) -> int:
    """Book a promise to pay; it counts from `now`. The id of the promise."""
    row = Promise(
        client_id=client,
        currency=amount.currency,
        amount=amount.minor,
        until=until,
        made_at=now,
        channel=channel,
        state=PromiseState.OPEN,
    )
    session.add(row)
    _note(session, client, now, "promise", amount=amount.minor, currency=amount.currency, until=until.isoformat())
    await session.flush()
    return row.id


async def replace_promises(session: WriteSession, client: int, currency: str, now: datetime) -> None:
    """The client names another day: their open promises in this currency give way to the one that follows."""
    open_ones = select(Promise).where(
        Promise.client_id == client, Promise.currency == currency, Promise.state == PromiseState.OPEN
    )
    for row in await session.scalars(open_ones):
        await _judged(session, row.id, PromiseState.REPLACED, now)
    await session.flush()


async def dispute(
    session: WriteSession, client: int, amount: Money, reason: str, now: datetime, invoice: int | None = None
) -> int:
    """Freeze a contested sum, of one invoice or of the debt as a whole. The id of the dispute."""
    row = Dispute(
        client_id=client,
        invoice_id=invoice,
        currency=amount.currency,
        amount=amount.minor,
        reason=reason,
        opened_at=now,
    )
    session.add(row)
    _note(session, client, now, "dispute", amount=amount.minor, currency=amount.currency, reason=reason)
    await session.flush()
    return row.id


async def resolve_dispute(session: WriteSession, number: int, granted: int, now: datetime) -> Dispute:
    """Close a dispute: what it froze is collectable again, less `granted`, which the caller books as a credit memo."""
    row = await session.get(Dispute, number, populate_existing=True)
    if row is None or row.resolved_at is not None:
        raise NoSuchDispute(f"no open dispute {number}")
    row.resolved_at, row.granted = now, granted
    _note(session, row.client_id, now, "dispute_resolved", amount=row.amount, granted=granted)
    return row


async def request_installments(
    session: WriteSession, client: int, currency: str, parts: int, now: datetime, channel: str | None = None
) -> int:
    """Note that a client asks to pay in parts. It freezes nothing until it is granted."""
    row = InstallmentRequest(client_id=client, currency=currency, parts=parts, channel=channel, requested_at=now)
    session.add(row)
    _note(session, client, now, "installment_request", parts=parts)
    await session.flush()
    return row.id


async def agree_installments(
    session: WriteSession, client: int, currency: str, parts: Sequence[Part], now: datetime
) -> int:
    """Book an agreed schedule, and answer the requests for one that were open."""
    row = InstallmentPlan(client_id=client, currency=currency, agreed_at=now)
    session.add(row)
    await session.flush()
    session.add_all(
        Installment(plan_id=row.id, no=number, due=part.due, amount=part.amount)
        for number, part in enumerate(sorted(parts, key=lambda one: one.due), start=1)
    )
    await session.execute(
        update(InstallmentRequest)
        .where(InstallmentRequest.client_id == client, InstallmentRequest.answered_at.is_(None))
        .values(answered_at=now)
    )
    _note(session, client, now, "installment_plan", parts=len(parts), amount=sum(part.amount for part in parts))
    await session.flush()
    return row.id


async def appropriate(session: WriteSession, payment: Payment, today: date, now: datetime) -> None:
    """Let a confirmed payment fulfil what was agreed before it: promises oldest first, then installments by due day.

    A promise whose last day was before `today`, the client's day, is past keeping, judged already or not.
    """
    left = payment.amount
    for kept in await _open_promises(session, payment, today):
        part = min(left, kept.amount - kept.paid)
        if part > 0:
            session.add(Appropriation(payment_id=payment.id, promise_id=kept.id, amount=part))
            left -= part
        if judge(kept.amount, kept.paid + part, over=False) is PromiseState.KEPT:
            await _judged(session, kept.id, PromiseState.KEPT, now)
    for due in await _open_installments(session, payment):
        part = min(left, due.amount - due.paid)
        if part > 0:
            session.add(Appropriation(payment_id=payment.id, installment_id=due.id, amount=part))
            left -= part
    await session.flush()


@dataclass(frozen=True, slots=True)
class _Owing:
    id: int
    amount: int
    paid: int


async def _open_promises(session: ReadSession, payment: Payment, today: date) -> list[_Owing]:
    paid = select(func.coalesce(func.sum(Appropriation.amount), 0)).where(Appropriation.promise_id == Promise.id)
    rows = await session.execute(
        select(Promise.id, Promise.amount, paid.scalar_subquery())
        .where(
            Promise.client_id == payment.client_id,
            Promise.currency == payment.currency,
            Promise.state == PromiseState.OPEN,
            Promise.until >= today,
        )
        .order_by(Promise.made_at, Promise.id)
    )
    return [_Owing(number, amount, int(fulfilled)) for number, amount, fulfilled in rows]


async def _open_installments(session: ReadSession, payment: Payment) -> list[_Owing]:
    paid = select(func.coalesce(func.sum(Appropriation.amount), 0)).where(
        Appropriation.installment_id == Installment.id
    )
    rows = await session.execute(
        select(Installment.id, Installment.amount, paid.scalar_subquery())
        .join(InstallmentPlan, InstallmentPlan.id == Installment.plan_id)
        .where(
            InstallmentPlan.client_id == payment.client_id,
            InstallmentPlan.currency == payment.currency,
            InstallmentPlan.ended_at.is_(None),
        )
        .order_by(Installment.due, Installment.id)
    )
    return [_Owing(number, amount, int(fulfilled)) for number, amount, fulfilled in rows]


async def _judged(session: WriteSession, number: int, state: PromiseState, now: datetime) -> None:
    row = await session.get_one(Promise, number)
    row.state, row.judged_at = state, now
    _note(session, row.client_id, now, f"promise_{state}", amount=row.amount, currency=row.currency)


OVER = text("""
select p.id, p.amount, coalesce((select sum(a.amount) from appropriations a where a.promise_id = p.id), 0)::bigint,
       p.client_id
from promises p join clients c on c.id = p.client_id
where p.state = 'open' and p.until < (:now at time zone c.timezone)::date
order by p.id
""")


async def judge_promises(session: WriteSession, now: datetime) -> int:
    """Judge the promises whose last day is over where the client lives. How many were judged."""
    clients = [client for *_, client in await session.execute(OVER, {"now": now})]
    if not clients:
        return 0
    # A payment may come in while we look: with its client held, what is read stays true until it is judged.
    await lock_clients(session, sorted(set(clients)))
    rows = [(number, amount, paid) for number, amount, paid, _ in await session.execute(OVER, {"now": now})]
    for number, amount, paid in rows:
        await _judged(session, number, judge(amount, paid, over=True), now)
    await session.flush()
    return len(rows)


def _note(session: WriteSession, client: int, now: datetime, kind: str, **detail: int | str) -> None:
    session.add(CaseEvent(client_id=client, at=now, kind=kind, detail=detail))
