"""What an operator settles of a client's money by a form. Each needs a reason, and the client is decided anew."""

from __future__ import annotations

from collections.abc import Mapping

from bot.console.choices import ALL_DUE
from bot.console.deviating import NOT_THEIRS, Doing
from bot.console.fields import Unfilled
from engine.agreements.disputes import GrantTooLarge, dispute
from engine.agreements.installments import cancel_installments
from engine.apply import unfrozen
from engine.ledger import CLAIM, MemoTooLarge, NothingToSettle, confirm, credit_memo, reject, resolve
from engine.money import Money
from engine.refunds import refund_invoice, reverse
from engine.remission import RemissionTooLarge, remit
from engine.store.history import note
from engine.store.session import lock_clients
from engine.store.tables.ledger import Dispute, InstallmentPlan, Payment, Promise
from engine.store.tables.portfolio import Account, Invoice
from engine.work.deviations import Deviator

CHOOSE_PAID = "Choose what is taken back."
TAKEN_FROM: Mapping[str, type[Payment | Invoice]] = {"payment": Payment, "invoice": Invoice}


class NothingPaid(LookupError):
    """Nothing is paid on the invoice, or the payment was taken back before."""


async def resolve_the_dispute(doing: Doing) -> None:
    """A dispute ends; the sum granted, which may be 0, comes off what is owed."""
    fields, session = doing.fields, doing.session
    contested = await doing.own(Dispute, "dispute")
    granted = fields.amount("granted", contested.currency, least=0)
    who = await doing.deviator()
    await lock_clients(session, [doing.client.id])
    try:
        await resolve(session, contested.id, granted.minor, doing.now, by=who.by, reason=who.reason)
    except (GrantTooLarge, MemoTooLarge) as refused:
        raise _told("granted", refused) from refused
    await doing.decide()


async def note_dispute(doing: Doing) -> None:
    """The client has told a person that a charge is wrong: the sum is frozen until somebody has resolved it."""
    fields, session, client = doing.fields, doing.session, doing.client.id
    currency = await doing.currency()
    invoice = await doing.own(Invoice, "invoice") if fields.said("invoice") != ALL_DUE else None
    amount = fields.amount("amount", currency)
    who = await doing.deviator()
    await lock_clients(session, [client])
    most = await unfrozen(session, client, currency, doing.now)
    if invoice is not None:
        if (await session.get_one(Account, invoice.account_id)).currency != currency:
            raise Unfilled({"invoice": f"That invoice is not in {currency}."})
        most = min(most, Money(invoice.balance, currency))
    if amount > most:
        raise Unfilled({"amount": f"At most {most} can be disputed: nothing more is due and not frozen already."})
    number = await dispute(session, client, amount, who.reason, doing.now, invoice.id if invoice else None)
    note(session, client, doing.now, "dispute_recorded", dispute=number, by=who.by)
    await doing.decide()


async def cancel_the_rest(doing: Doing) -> None:
    """A kept amnesty is settled; the sum approved, which may be 0, comes off what is owed."""
    fields, session = doing.fields, doing.session
    kept = await doing.own(Promise, "amnesty")
    cancelled = fields.amount("cancelled", kept.currency, least=0)
    who = await doing.deviator()
    await lock_clients(session, [doing.client.id])
    try:
        await remit(session, kept.id, cancelled.minor, doing.now, by=who.by, reason=who.reason)
    except RemissionTooLarge as refused:
        raise _told("cancelled", refused) from refused
    await doing.decide()


async def find_claim(doing: Doing) -> None:
    """What the client said they had paid is there: it is booked as a payment."""
    claim, who = await _claim(doing)
    await confirm(doing.session, claim.ref, doing.now)
    _note(doing, "claim_found", Money(claim.amount, claim.currency), who)
    await doing.decide()


async def reject_claim(doing: Doing) -> None:
    """What the client said they had paid is not there: it can be collected again."""
    claim, who = await _claim(doing)
    await reject(doing.session, claim.ref, doing.now)
    _note(doing, "claim_rejected", Money(claim.amount, claim.currency), who)
    await doing.decide()


async def book_memo(doing: Doing) -> None:
    """An invoice is written down."""
    fields, session = doing.fields, doing.session
    invoice = await doing.own(Invoice, "invoice")
    currency = (await session.get_one(Account, invoice.account_id)).currency
    amount = fields.amount("amount", currency)
    who = await doing.deviator()
    await lock_clients(session, [doing.client.id])
    try:
        await credit_memo(session, invoice.id, amount.minor, doing.now)
    except MemoTooLarge as refused:
        raise _told("amount", refused) from refused
    _note(doing, "credit_memo", amount, who, invoice=invoice.ref)
    await doing.decide()


async def take_back(doing: Doing) -> None:
    """A whole payment is taken back, or all that was paid on an invoice."""
    session, now = doing.session, doing.now
    kind, _, number = doing.fields.text("what", CHOOSE_PAID).partition("-")
    doing.fields.sound()
    of = TAKEN_FROM.get(kind)
    row: Payment | Invoice | None = None
    if of and number.isdecimal() and len(number) < 19:
        row = await session.get(of, int(number))
    if row is None or row.client_id != doing.client.id:
        raise Unfilled({"what": NOT_THEIRS})
    who = await doing.deviator()
    await lock_clients(session, [doing.client.id])
    if isinstance(row, Payment):
        taken = await reverse(session, row.ref, now, by=who.by, reason=who.reason)
    else:
        taken = await refund_invoice(session, row.id, now, by=who.by, reason=who.reason) > 0
    if not taken:
        raise NothingPaid
    await doing.decide()


async def end_installments(doing: Doing) -> None:
    """An installment plan ends before it is paid."""
    plan = await doing.own(InstallmentPlan, "plan")
    who = await doing.deviator()
    await lock_clients(doing.session, [doing.client.id])
    await cancel_installments(doing.session, plan.id, who.reason, doing.now, by=who.by)
    await doing.decide()


async def _claim(doing: Doing) -> tuple[Payment, Deviator]:
    """The claim of the form, with the client locked. Raises NothingToSettle for what the client never claimed."""
    claim = await doing.own(Payment, "claim")
    who = await doing.deviator()
    if claim.source != CLAIM:
        raise NothingToSettle
    await lock_clients(doing.session, [doing.client.id])
    return claim, who


def _note(doing: Doing, kind: str, amount: Money, who: Deviator, invoice: str | None = None) -> None:
    note(
        doing.session,
        doing.client.id,
        doing.now,
        kind,
        invoice=invoice,
        amount=amount.minor,
        currency=amount.currency,
        by=who.by,
        reason=who.reason,
    )


def _told(field: str, refused: Exception) -> Unfilled:
    said = str(refused)
    return Unfilled({field: f"{said[0].upper()}{said[1:]}."})
