"""Money taken back: what was paid on an invoice, or a whole payment that its bank reverses (a charge-back).

What was settled is due again with its old date. Like all of the ledger it is booked by new entries, and every function
works in the caller's transaction, expects the client to be locked, and leaves the re-decision to the caller.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select

from engine.agreements.appropriation import unappropriate
from engine.agreements.remainder import undo_amnesties
from engine.ledger import settle_credit
from engine.paid import Paid, paid, settled
from engine.store.history import note
from engine.store.session import ReadSession, WriteSession
from engine.store.tables.ledger import EntryKind, LedgerEntry, Payment, PaymentStatus
from engine.store.tables.portfolio import Account, Invoice


class NoSuchPayment(LookupError):
    """There is no payment of that reference."""


async def refund_invoice(
    session: WriteSession, invoice_id: int, now: datetime, *, by: str | None = None, reason: str | None = None
) -> int:
    """Take back all that was paid on an invoice, by payments and by used credit. The minor units taken back.

    Credit memos and what was settled before we knew the invoice stay. Other credit of the client settles it anew.
    """
    invoice = await session.get_one(Invoice, invoice_id, populate_existing=True)
    account = await session.get_one(Account, invoice.account_id)
    rows = await paid(session, LedgerEntry.invoice_id == invoice_id)
    taken = await _take_back(session, invoice.client_id, account.currency, rows, now)
    if taken:
        note(
            session,
            invoice.client_id,
            now,
            "refund",
            invoice=invoice.ref,
            amount=taken,
            currency=account.currency,
            by=by,
            reason=reason,
        )
        for number in [row.payment for row in rows if row.payment is not None]:
            payment = await session.get_one(Payment, number)
            left = await _left(session, payment)
            await unappropriate(session, payment, left)
            await undo_amnesties(session, payment, left, now, by=by)
        await settle_credit(session, invoice.client_id, now)
    return taken


async def reverse(
    session: WriteSession, ref: str, now: datetime, *, by: str | None = None, reason: str | None = None
) -> bool:
    """The bank takes a whole payment back: what it settled, by way of its credit too, is due again.

    One that was only announced freezes nothing longer. False when it was taken back or rejected already.
    Raises NoSuchPayment.
    """
    statement = select(Payment).where(Payment.ref == ref)
    payment = await session.scalar(statement, execution_options={"populate_existing": True})
    if payment is None:
        raise NoSuchPayment(f"there is no payment '{ref}'")
    if payment.status in (PaymentStatus.REJECTED, PaymentStatus.REVERSED):
        return False
    booked = payment.status == PaymentStatus.CONFIRMED
    payment.status = PaymentStatus.REVERSED
    client, currency = payment.client_id, payment.currency
    note(
        session,
        client,
        now,
        "payment_reversed",
        payment=ref,
        amount=payment.amount,
        currency=currency,
        by=by,
        reason=reason,
    )
    if booked:
        rows = await paid(session, LedgerEntry.payment_id == payment.id)
        await _take_back(session, client, currency, rows, now)
        await unappropriate(session, payment, 0)
        await undo_amnesties(session, payment, 0, now, by=by)
        await settle_credit(session, client, now)
    await session.flush()
    return True


async def _take_back(session: WriteSession, client: int, currency: str, rows: Sequence[Paid], now: datetime) -> int:
    taken = 0
    for row in rows:
        part = row.amount
        if row.invoice is not None:
            part = min(part, await settled(session, row.invoice))
        if part > 0:
            session.add(
                LedgerEntry(
                    at=now,
                    client_id=client,
                    currency=currency,
                    invoice_id=row.invoice,
                    payment_id=row.payment,
                    kind=EntryKind.REFUND,
                    amount=part,
                )
            )
            await session.flush()
            taken += part
    return taken


async def _left(session: ReadSession, payment: Payment) -> int:
    gone = await session.scalar(
        select(func.coalesce(func.sum(LedgerEntry.amount), 0)).where(
            LedgerEntry.payment_id == payment.id, LedgerEntry.kind == EntryKind.REFUND
        )
    )
    return payment.amount - int(gone or 0)
