"""Booking money: append-only entries, allocation to invoices, credit left over. Amounts are minor units.

Every function works in the caller's transaction and expects the client to be locked (`lock_clients`). None decides:
the caller re-decides the client once all is booked.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Select, func, select, update
from sqlalchemy.dialects.postgresql import insert

from engine.agreements.appropriation import appropriate
from engine.agreements.disputes import resolve_dispute
from engine.calendar import local_day, zone
from engine.debt import allocate
from engine.money import Money
from engine.store.session import ReadSession, WriteSession
from engine.store.tables.ledger import EntryKind, LedgerEntry, Payment, PaymentStatus
from engine.store.tables.portfolio import Account, Client, Invoice


class NothingToSettle(LookupError):
    """There is no unconfirmed payment of that reference: it was settled before, or never announced."""


CLAIM = "claim"
"""The source of a payment that only the client has told of."""


@dataclass(frozen=True, slots=True)
class Received:
    """A payment as it is reported. `ref` is the payer's system's own id; one ref is one payment, however often told."""

    ref: str
    client: int
    amount: Money
    paid_at: datetime
    source: str
    account: int | None = None
    invoice: int | None = None
    confirmed: bool = True


async def receive(session: WriteSession, payment: Received, now: datetime) -> bool:
    """Book a payment; an unconfirmed one only freezes its sum. False when this ref is booked already."""
    status = PaymentStatus.CONFIRMED if payment.confirmed else PaymentStatus.UNCONFIRMED
    booked = await session.scalar(
        insert(Payment)
        .values(
            ref=payment.ref,
            client_id=payment.client,
            account_id=payment.account,
            invoice_id=payment.invoice,
            currency=payment.amount.currency,
            amount=payment.amount.minor,
            status=status,
            paid_at=payment.paid_at,
            source=payment.source,
        )
        .on_conflict_do_nothing()
        .returning(Payment.id)
    )
    if booked is None:
        return False
    if payment.confirmed:
        await _settle(session, await session.get_one(Payment, booked), now)
    return True


async def confirm(session: WriteSession, ref: str, now: datetime) -> None:
    """An announced payment has arrived. Raises NothingToSettle."""
    payment = await _take_unconfirmed(session, ref, PaymentStatus.CONFIRMED)
    await _settle(session, payment, now)


async def reject(session: WriteSession, ref: str) -> None:
    """An announced payment did not arrive: what it froze is collectable again. Raises NothingToSettle."""
    await _take_unconfirmed(session, ref, PaymentStatus.REJECTED)


async def _take_unconfirmed(session: WriteSession, ref: str, status: PaymentStatus) -> Payment:
    statement = (
        update(Payment)
        .where(Payment.ref == ref, Payment.status == PaymentStatus.UNCONFIRMED)
        .values(status=status)
        .returning(Payment)
    )
    payment = await session.scalar(statement, execution_options={"populate_existing": True})
    if payment is None:
        raise NothingToSettle(f"no unconfirmed payment '{ref}'")
    return payment


async def _settle(session: WriteSession, payment: Payment, now: datetime) -> None:
    shares = allocate(payment.amount, await _covered(session, payment, now))
    entries = [_entry(payment, now, EntryKind.PAYMENT, -part, invoice) for invoice, part in shares]
    left = payment.amount - sum(part for _, part in shares)
    if left:
        entries.append(_entry(payment, now, EntryKind.CREDIT, -left, None))
    session.add_all(entries)
    await session.flush()
    if left:
        await settle_credit(session, payment.client_id, now)
    await appropriate(session, payment, await client_day(session, payment.client_id, now), now)
    await _settle_claims(session, payment)


async def _settle_claims(session: WriteSession, payment: Payment) -> None:
    """What the client said was paid has arrived: their claims of no more than this payment freeze nothing longer."""
    await session.execute(
        update(Payment)
        .where(
            Payment.client_id == payment.client_id,
            Payment.currency == payment.currency,
            Payment.source == CLAIM,
            Payment.status == PaymentStatus.UNCONFIRMED,
            Payment.amount <= payment.amount,
        )
        .values(status=PaymentStatus.REJECTED)
    )


Balances = list[tuple[int, int]]
"""Unpaid invoices as (invoice, balance), oldest due first."""

UNPAID = select(Invoice.id, Invoice.balance).where(Invoice.balance > 0).order_by(Invoice.due, Invoice.ref)


async def _covered(session: ReadSession, payment: Payment, now: datetime) -> Balances:
    """The invoices a payment goes to: the one it names, its account's (due or not), or the client's due ones."""
    if payment.invoice_id is not None:
        return await _balances(session, UNPAID.where(Invoice.id == payment.invoice_id))
    if payment.account_id is not None:
        return await _balances(session, UNPAID.where(Invoice.account_id == payment.account_id))
    return await _due(session, payment.client_id, payment.currency, now)


async def _due(session: ReadSession, client: int, currency: str, now: datetime) -> Balances:
    today = await client_day(session, client, now)
    statement = UNPAID.join(Account, Account.id == Invoice.account_id).where(
        Invoice.client_id == client, Account.currency == currency, Invoice.due <= today
    )
    return await _balances(session, statement)


async def _balances(session: ReadSession, statement: Select[int, int]) -> Balances:
    return [(row.id, row.balance) for row in await session.execute(statement)]


def _entry(payment: Payment, now: datetime, kind: EntryKind, amount: int, invoice: int | None) -> LedgerEntry:
    return LedgerEntry(
        at=now,
        client_id=payment.client_id,
        currency=payment.currency,
        invoice_id=invoice,
        payment_id=payment.id,
        kind=kind,
        amount=amount,
    )


async def settle_credit(session: WriteSession, client: int, now: datetime) -> bool:
    """Use what the client has in credit for what is due by now, the oldest credit first. True when some was used."""
    used = False
    for credit in await credits_of(session, client):
        sources = await _sources(session, client, credit.currency)
        for invoice, part in allocate(credit.minor, await _due(session, client, credit.currency, now)):
            for payment, piece in _draw(sources, part):
                for amount, target in ((-piece, invoice), (piece, None)):
                    session.add(
                        LedgerEntry(
                            at=now,
                            client_id=client,
                            currency=credit.currency,
                            invoice_id=target,
                            payment_id=payment,
                            kind=EntryKind.CREDIT,
                            amount=amount,
                        )
                    )
            used = True
    await session.flush()
    return used


Sources = dict[int | None, int]
"""Unused credit by the payment it was left over from (None: from no payment, as that of a credit memo)."""


async def _sources(session: ReadSession, client: int, currency: str) -> Sources:
    left = func.sum(LedgerEntry.amount)
    rows = await session.execute(
        select(LedgerEntry.payment_id, left)
        .where(LedgerEntry.client_id == client, LedgerEntry.currency == currency, LedgerEntry.invoice_id.is_(None))
        .group_by(LedgerEntry.payment_id)
        .having(left < 0)
        .order_by(func.min(LedgerEntry.id))
    )
    return {payment: -int(total) for payment, total in rows}


def _draw(sources: Sources, amount: int) -> Iterator[tuple[int | None, int]]:
    for payment, left in sources.items():
        part = min(amount, left)
        if part > 0:
            sources[payment] -= part
            amount -= part
            yield payment, part


async def credits_of(session: ReadSession, client: int) -> Sequence[Money]:
    """What the client has paid beyond their invoices, by currency."""
    rows = await session.execute(
        select(LedgerEntry.currency, func.sum(LedgerEntry.amount))
        .where(LedgerEntry.client_id == client, LedgerEntry.invoice_id.is_(None))
        .group_by(LedgerEntry.currency)
        .having(func.sum(LedgerEntry.amount) < 0)
        .order_by(LedgerEntry.currency)
    )
    return [Money(-int(total), currency) for currency, total in rows]


async def credit_memo(session: WriteSession, invoice: int, amount: int, now: datetime) -> None:
    """Write an invoice down, at most to nothing: what exceeds its balance was paid and becomes the client's credit.

    Like any credit it settles at once what else is due.
    """
    row = await session.get_one(Invoice, invoice, populate_existing=True)
    account = await session.get_one(Account, row.account_id)
    taken = min(amount, row.balance)
    for part, target in ((taken, invoice), (amount - taken, None)):
        if part > 0:
            session.add(
                LedgerEntry(
                    at=now,
                    client_id=row.client_id,
                    currency=account.currency,
                    invoice_id=target,
                    kind=EntryKind.CREDIT_MEMO,
                    amount=-part,
                )
            )
    await session.flush()
    if amount > taken:
        await settle_credit(session, row.client_id, now)


async def resolve(session: WriteSession, number: int, granted: int, now: datetime) -> None:
    """End a dispute; what is granted is written off its invoice, or off the oldest due ones if it named none."""
    dispute = await resolve_dispute(session, number, granted, now)
    if not granted:
        return
    if dispute.invoice_id is not None:
        await credit_memo(session, dispute.invoice_id, granted, now)
        return
    for invoice, part in allocate(granted, await _due(session, dispute.client_id, dispute.currency, now)):
        await credit_memo(session, invoice, part, now)


async def client_day(session: ReadSession, client: int, now: datetime) -> date:
    """The day it is for the client at `now`."""
    name = await session.scalar(select(Client.timezone).where(Client.id == client))
    return local_day(now, zone(str(name)))
