"""Booking money: append-only entries, allocation to invoices, credit left over. Amounts are minor units.

Every function works in the caller's transaction and expects the client to be locked (`lock_clients`). None decides:
the caller re-decides the client once all is booked.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, func, select, text, update
from sqlalchemy.dialects.postgresql import insert

from engine.agreements.appropriation import appropriate
from engine.agreements.disputes import close_dispute, open_dispute
from engine.debt import allocate
from engine.money import Money
from engine.notices import tell
from engine.paid import paid, settled
from engine.plan import Notice
from engine.store.days import client_day
from engine.store.session import ReadSession, WriteSession
from engine.store.tables.ledger import Credit, EntryKind, LedgerEntry, Payment, PaymentStatus
from engine.store.tables.portfolio import Account, Invoice


class NothingToSettle(LookupError):
    """There is no unconfirmed payment of that reference: it was settled before, or never announced."""


class MemoTooLarge(ValueError):
    """No more can be credited on an invoice than its balance and what was really paid on it."""

    def __init__(self, invoice: str, most: Money) -> None:
        said = f"invoice {invoice}: its balance and what was paid on it" if invoice else "what is due now"
        super().__init__(f"at most {most} can be credited on {said}")


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


async def reject(session: WriteSession, ref: str, now: datetime) -> None:
    """An announced payment did not arrive: what it froze is collectable again. Who said that they had paid is told;
    of what billing announced the client may know nothing. Raises NothingToSettle.
    """
    payment = await _take_unconfirmed(session, ref, PaymentStatus.REJECTED)
    payment.rejected_at = now
    if payment.source == CLAIM:
        await tell(session, payment.client_id, payment.currency, Notice.PAYMENT_UNCLEAR, payment.id, now)


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


ARRIVED = text("""
update payments set status = 'rejected'
where client_id = :client and currency = :currency and source = 'claim' and status = 'unconfirmed' and amount <= :amount
""")


async def _settle_claims(session: WriteSession, payment: Payment) -> None:
    """What the client said was paid has arrived: their claims of no more than this payment freeze nothing longer."""
    paid = {"client": payment.client_id, "currency": payment.currency, "amount": payment.amount}
    await session.execute(ARRIVED, paid)


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
        select(Credit.amount, Credit.currency)
        .where(Credit.client_id == client, Credit.amount > 0)
        .order_by(Credit.currency)
    )
    return [Money(*row) for row in rows]


async def credit_memo(session: WriteSession, invoice: int, amount: int, now: datetime) -> None:
    """Write an invoice down. Beyond its balance, what was paid on it becomes the client's credit, latest first.

    Like any credit it settles at once what else is due. Raises MemoTooLarge.
    """
    row = await session.get_one(Invoice, invoice, populate_existing=True)
    account = await session.get_one(Account, row.account_id)
    excess = amount - row.balance
    payments = await paid(session, LedgerEntry.invoice_id == invoice) if excess > 0 else ()
    most = min(sum(one.amount for one in payments), await settled(session, invoice))
    if excess > most:
        raise MemoTooLarge(row.ref, Money(row.balance + most, account.currency))
    common = {"at": now, "client_id": row.client_id, "currency": account.currency}
    session.add(LedgerEntry(**common, invoice_id=invoice, kind=EntryKind.CREDIT_MEMO, amount=-amount))
    for which, part in allocate(max(excess, 0), [(which, one.amount) for which, one in enumerate(payments)]):
        for moved, place in ((part, invoice), (-part, None)):
            session.add(
                LedgerEntry(
                    **common, invoice_id=place, payment_id=payments[which].payment, kind=EntryKind.CREDIT, amount=moved
                )
            )
    await session.flush()
    if excess > 0:
        await settle_credit(session, row.client_id, now)


async def resolve(
    session: WriteSession, number: int, granted: int, now: datetime, *, by: str | None = None, reason: str | None = None
) -> None:
    """End a dispute; what is granted is written off its invoice, or off the oldest due ones if it named none.

    Raises NoSuchDispute, GrantTooLarge and MemoTooLarge, with nothing changed.
    """
    contested = await open_dispute(session, number, granted)
    if contested.invoice_id is not None and granted:
        await credit_memo(session, contested.invoice_id, granted, now)
    else:
        await write_down(session, contested.client_id, Money(granted, contested.currency), now)
    await close_dispute(session, contested, granted, now, by=by, reason=reason)


async def write_down(session: WriteSession, client: int, amount: Money, now: datetime) -> None:
    """Credit a sum on what is due, the oldest first. Raises MemoTooLarge."""
    due = await _due(session, client, amount.currency, now)
    owed = sum(balance for _, balance in due)
    if amount.minor > owed:
        raise MemoTooLarge("", Money(owed, amount.currency))
    for invoice, part in allocate(amount.minor, due):
        await credit_memo(session, invoice, part, now)
