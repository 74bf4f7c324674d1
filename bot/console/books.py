"""What of a client's money a person can still settle: disputes, claims, invoices to credit, payments to take back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select

from engine.ledger import CLAIM
from engine.money import Money
from engine.paid import PAID
from engine.store.session import ReadSession
from engine.store.tables.ledger import Dispute, Installment, InstallmentPlan, LedgerEntry, Payment, PaymentStatus
from engine.store.tables.portfolio import Account, Client, Invoice

MOST = 40


@dataclass(frozen=True, slots=True)
class Booked:
    """An invoice on which something is unpaid or was paid."""

    id: int
    ref: str
    balance: Money
    paid: Money


@dataclass(frozen=True, slots=True)
class Agreed:
    """An installment plan that runs."""

    plan: InstallmentPlan
    parts: int
    total: Money


@dataclass(frozen=True, slots=True)
class Books:
    """The latest of each come first, and no more than `MOST` invoices and payments."""

    disputes: Sequence[Dispute]
    claims: Sequence[Payment]
    invoices: Sequence[Booked]
    payments: Sequence[Payment]
    plans: Sequence[Agreed]


async def books(session: ReadSession, client: Client) -> Books:
    """Read what is open of a client's, and what was paid."""
    disputes = select(Dispute).where(Dispute.client_id == client.id, Dispute.resolved_at.is_(None))
    payments = select(Payment).where(Payment.client_id == client.id).order_by(Payment.paid_at.desc(), Payment.id.desc())
    claims = payments.where(Payment.status == PaymentStatus.UNCONFIRMED, Payment.source == CLAIM)
    return Books(
        disputes=(await session.scalars(disputes.order_by(Dispute.id.desc()))).all(),
        claims=(await session.scalars(claims)).all(),
        invoices=await _invoices(session, client.id),
        payments=(await session.scalars(payments.where(Payment.status == PaymentStatus.CONFIRMED).limit(MOST))).all(),
        plans=await _plans(session, client.id),
    )


async def _invoices(session: ReadSession, client: int) -> Sequence[Booked]:
    paid = (
        select(func.coalesce(-func.sum(LedgerEntry.amount), 0))
        .where(LedgerEntry.invoice_id == Invoice.id, LedgerEntry.kind.in_(PAID))
        .scalar_subquery()
    )
    rows = await session.execute(
        select(Invoice, Account.currency, paid)
        .join(Account, Account.id == Invoice.account_id)
        .where(Invoice.client_id == client, (Invoice.balance > 0) | (paid > 0))
        .order_by(Invoice.due.desc(), Invoice.id.desc())
        .limit(MOST)
    )
    return [
        Booked(one.id, one.ref, Money(one.balance, currency), Money(int(done), currency))
        for one, currency, done in rows
    ]


async def _plans(session: ReadSession, client: int) -> Sequence[Agreed]:
    rows = await session.execute(
        select(InstallmentPlan, func.count(Installment.id), func.sum(Installment.amount))
        .join(Installment, Installment.plan_id == InstallmentPlan.id)
        .where(InstallmentPlan.client_id == client, InstallmentPlan.ended_at.is_(None))
        .group_by(InstallmentPlan.id)
        .order_by(InstallmentPlan.id.desc())
    )
    return [Agreed(plan, parts, Money(int(total), plan.currency)) for plan, parts, total in rows]
