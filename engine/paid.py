"""What was really paid on invoices, read from the ledger's entries. Amounts are minor units."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, select

from engine.store.session import ReadSession
from engine.store.tables.ledger import EntryKind, LedgerEntry
from engine.store.tables.portfolio import Invoice

PAID = (EntryKind.PAYMENT, EntryKind.CREDIT, EntryKind.REFUND)
"""The kinds of entries that together say what is paid: money in, credit used, less what was taken back."""

BILLED = (EntryKind.CHARGE, EntryKind.CREDIT_MEMO)
"""The kinds of entries that together say what an invoice asks for."""


@dataclass(frozen=True, slots=True)
class Paid:
    """What a payment (None: credit that came by none) paid on an invoice (None: what it left over as credit)."""

    invoice: int | None
    payment: int | None
    amount: int


async def paid(session: ReadSession, where: ColumnElement[bool]) -> Sequence[Paid]:
    """What the entries chosen say, latest first."""
    amount = -func.sum(LedgerEntry.amount)
    rows = await session.execute(
        select(LedgerEntry.invoice_id, LedgerEntry.payment_id, amount)
        .where(where, LedgerEntry.kind.in_(PAID))
        .group_by(LedgerEntry.invoice_id, LedgerEntry.payment_id)
        .having(amount > 0)
        .order_by(func.max(LedgerEntry.id).desc())
    )
    return [Paid(invoice, payment, int(part)) for invoice, payment, part in rows]


async def settled(session: ReadSession, invoice: int) -> int:
    """What an invoice asks for and is not owed now.

    Where a feed has raised its balance, that much was taken back by the feed, though it was paid by the entries.
    """
    billed = (
        select(func.sum(LedgerEntry.amount))
        .where(LedgerEntry.invoice_id == invoice, LedgerEntry.kind.in_(BILLED))
        .scalar_subquery()
    )
    return int(await session.scalar(select(billed - Invoice.balance).where(Invoice.id == invoice)) or 0)
