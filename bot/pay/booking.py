"""A paid checkout into the ledger: once, in one transaction, and only exactly what was asked for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from bot.pay.bill import owed
from bot.pay.provider import PAID, PaymentEvent
from engine.agreements.appropriation import keeps_a_promise
from engine.calendar import Hours
from engine.ledger import Received, receive
from engine.money import Money
from engine.run import decide_clients
from engine.store.session import WriteSession, lock_clients
from engine.store.tables.talk import Checkout, PayLink

SOURCE = "pay_link"


class CannotBook(Exception):
    """The payment does not fit what was asked for. It is kept for a person to look at: nothing is booked by guess."""


class UnknownCheckout(CannotBook):
    """No checkout of ours has this number."""


class OtherAmount(CannotBook):
    """Another sum was paid than the checkout asked for."""


@dataclass(frozen=True, slots=True)
class PaidOutcome:
    """A payment just booked. `left` is what the client still owes in its currency; `conversation` had the link;
    `keeps`: it was the last that a promise of theirs waited for.
    """

    client: int
    conversation: int | None
    amount: Money
    left: Money
    keeps: bool = False


async def book_payment(session: WriteSession, event: PaymentEvent, now: datetime, hours: Hours) -> PaidOutcome | None:
    """Book the payment an event tells of and decide anew for its client; None when there is nothing (more) to book.

    Raises UnknownCheckout or OtherAmount: such an event is parked.
    """
    if event.kind != PAID:
        return None
    checkout, link = await _asked(session, event)
    await lock_clients(session, [link.client_id])
    payment = Received(
        ref=f"payments:{event.checkout}", client=link.client_id, amount=event.amount, paid_at=now, source=SOURCE
    )
    if not await receive(session, payment, now):
        return None
    checkout.paid_at, checkout.provider_ref = now, event.checkout
    await session.flush()
    await decide_clients(session, [link.client_id], now, hours)
    left = await owed(session, link.client_id, link.currency, now)
    keeps = await keeps_a_promise(session, payment.ref, now)
    return PaidOutcome(link.client_id, link.conversation_id, event.amount, left, keeps)


async def _asked(session: WriteSession, event: PaymentEvent) -> tuple[Checkout, PayLink]:
    try:
        number = UUID(event.reference)
    except ValueError:
        raise UnknownCheckout(f"the payment event {event.id} refers to '{event.reference}'") from None
    row = (
        await session.execute(
            select(Checkout, PayLink).join(PayLink, PayLink.id == Checkout.pay_link_id).where(Checkout.id == number)
        )
    ).one_or_none()
    if row is None:
        raise UnknownCheckout(f"the payment event {event.id} refers to checkout {number}, which is not ours")
    checkout, link = row
    if checkout.provider_ref not in (None, event.checkout):
        raise UnknownCheckout(
            f"the payment event {event.id} names {event.checkout} for checkout {number}, "
            f"which is {checkout.provider_ref} at the provider"
        )
    asked = Money(checkout.amount, link.currency)
    if event.amount != asked:
        raise OtherAmount(f"the payment event {event.id} tells of {event.amount}, checkout {number} asked for {asked}")
    return checkout, link
