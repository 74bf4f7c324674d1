"""Appropriation: which part of a payment fulfils which promise and installment. No payment is ever counted twice.

Every function works in the caller's transaction and expects the client to be locked. Amounts are minor units.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select, text

from engine.agreements.installments import end_plan
from engine.agreements.promises import fulfilled, judged
from engine.promise import PromiseState, judge
from engine.store.session import ReadSession, WriteSession
from engine.store.tables.ledger import (
    Appropriation,
    Installment,
    InstallmentPlan,
    Payment,
    PlanOutcome,
    Promise,
)


async def appropriate(session: WriteSession, payment: Payment, today: date, now: datetime) -> None:
    """Let a confirmed payment fulfil what was agreed before it: promises oldest first, then installments by due day.

    A promise whose last day and grace were over before `today`, the client's day, is past keeping, judged or not.
    """
    left = payment.amount
    for row, paid in await _open_promises(session, payment, today):
        part = min(left, row.amount - paid)
        if part > 0:
            session.add(Appropriation(payment_id=payment.id, promise_id=row.id, amount=part))
            left -= part
        if judge(row.amount, paid + part, over=False) is PromiseState.KEPT:
            await judged(session, row, PromiseState.KEPT, now, paid + part)
    for owing in await _open_installments(session, payment):
        part = min(left, owing.amount - owing.paid)
        if part > 0:
            session.add(Appropriation(payment_id=payment.id, installment_id=owing.id, amount=part))
            left -= part
    await session.flush()
    await _end_paid_plans(session, payment, now)


async def keeps_a_promise(session: ReadSession, ref: str, now: datetime) -> bool:
    """Whether the payment `ref`, booked at `now`, has kept a promise."""
    kept = (
        select(Promise.id)
        .join(Appropriation, Appropriation.promise_id == Promise.id)
        .join(Payment, Payment.id == Appropriation.payment_id)
        .where(Payment.ref == ref, Promise.state == PromiseState.KEPT, Promise.judged_at == now)
    )
    return await session.scalar(kept.limit(1)) is not None


@dataclass(frozen=True, slots=True)
class _Owing:
    id: int
    amount: int
    paid: int


async def _open_promises(session: ReadSession, payment: Payment, today: date) -> list[tuple[Promise, int]]:
    rows = await session.execute(
        select(Promise, fulfilled(Appropriation.promise_id == Promise.id))
        .where(
            Promise.client_id == payment.client_id,
            Promise.currency == payment.currency,
            Promise.state == PromiseState.OPEN,
            Promise.until + Promise.grace >= today,
        )
        .order_by(Promise.made_at, Promise.id),
        execution_options={"populate_existing": True},
    )
    return [(promise, int(paid)) for promise, paid in rows]


async def _open_installments(session: ReadSession, payment: Payment) -> list[_Owing]:
    rows = await session.execute(
        select(Installment.id, Installment.amount, fulfilled(Appropriation.installment_id == Installment.id))
        .join(InstallmentPlan, InstallmentPlan.id == Installment.plan_id)
        .where(
            InstallmentPlan.client_id == payment.client_id,
            InstallmentPlan.currency == payment.currency,
            InstallmentPlan.ended_at.is_(None),
        )
        .order_by(Installment.due, Installment.id)
    )
    return [_Owing(number, amount, int(paid)) for number, amount, paid in rows]


async def _end_paid_plans(session: WriteSession, payment: Payment, now: datetime) -> None:
    missing = (
        select(Installment.id)
        .where(
            Installment.plan_id == InstallmentPlan.id,
            Installment.amount > fulfilled(Appropriation.installment_id == Installment.id),
        )
        .exists()
    )
    paid = select(InstallmentPlan).where(
        InstallmentPlan.client_id == payment.client_id,
        InstallmentPlan.currency == payment.currency,
        InstallmentPlan.ended_at.is_(None),
        ~missing,
    )
    for row in await session.scalars(paid):
        end_plan(session, row, PlanOutcome.PAID, now)
    await session.flush()


APPROPRIATED = text("""
select a.promise_id, a.installment_id, sum(a.amount)::bigint as amount,
       coalesce(p.state = 'open', ip.ended_at is null) as open
from appropriations a
left join promises p on p.id = a.promise_id
left join installments i on i.id = a.installment_id
left join installment_plans ip on ip.id = i.plan_id
where a.payment_id = :payment
group by a.promise_id, a.installment_id, p.state, ip.ended_at
having sum(a.amount) > 0
order by max(a.id) desc
""")


async def unappropriate(session: WriteSession, payment: Payment, left: int) -> None:
    """Only `left` of a payment has not been taken back: what it fulfilled beyond that is unfulfilled, newest first.

    A promise already kept and a plan already paid stay so.
    """
    rows = (await session.execute(APPROPRIATED, {"payment": payment.id})).all()
    excess = sum(row.amount for row in rows) - left
    for row in rows:
        part = min(excess, row.amount) if row.open else 0
        if part > 0:
            session.add(
                Appropriation(
                    payment_id=payment.id, promise_id=row.promise_id, installment_id=row.installment_id, amount=-part
                )
            )
            excess -= part
    await session.flush()
