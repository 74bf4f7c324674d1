"""From a pressed button to the provider's page, so that a debt is not paid twice by two open pages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy import select, update

from bot.pay.bill import bill
from bot.pay.desk import PayDesk
from bot.pay.provider import CheckoutRequest, CheckoutStatus, HostedCheckout, NoSuchCheckout
from engine.money import Money
from engine.store.session import ReadSession, WriteSession, lock_clients
from engine.store.tables.talk import Checkout, PayLink

OPEN_FOR = timedelta(hours=24)
"""Providers close their pages within a day."""

IN_FLIGHT = timedelta(seconds=30)
"""While one request is with the provider, a second press of the button joins it. Later a checkout without an address
is left alone: nobody has seen its page, so nobody can pay on it.
"""


class NotPayable(Exception):
    """This amount cannot be paid now. `most` is what can."""

    def __init__(self, most: Money) -> None:
        super().__init__(f"at most {most} can be paid now")
        self.most = most


class MoreThanOwed(NotPayable):
    """The amount is more than what is due and what comes next."""


class OnItsWay(NotPayable):
    """The provider has taken money for this debt that is not booked yet; with it the amount would be too much."""

    def __init__(self, most: Money, arriving: Money) -> None:
        super().__init__(most)
        self.arriving = arriving


@dataclass(frozen=True, slots=True)
class Intent:
    """What a client asks for: a sum, and the addresses and the wording of the provider's page. `back` is our page.

    `asked`: it is the sum our page asks for first, not one that the client chose.
    """

    amount: Money
    back: str
    description: str
    language: str
    asked: bool = False


Looks = Mapping[UUID, HostedCheckout | None]


async def open_page(desk: PayDesk, link: PayLink, intent: Intent) -> str:
    """The provider's page on which to pay. Raises MoreThanOwed, OnItsWay, or ProviderFault.

    The checkout is committed before the provider is asked, and its id is the key by which the provider knows it again.
    """
    now = desk.now()
    async with desk.database.read() as session:
        recent = await _unpaid(session, link, now)
    looks = {row.id: await _look(desk, row.provider_ref) for row in recent if row.provider_ref}
    async with desk.database.write() as session:
        await lock_clients(session, [link.client_id])
        recent = await _unpaid(session, link, now)
        most = (await bill(session, link.client_id, link.currency, now)).most
        _refuse_too_much(most, intent, recent, looks)
        row = next((row for row in recent if _serves(row, link, intent.amount, looks, now)), None)
        if row is None:
            row = Checkout(id=uuid4(), pay_link_id=link.id, amount=intent.amount.minor, created_at=now)
            session.add(row)
    seen = looks.get(row.id)
    if seen is not None:
        return seen.url
    hosted = await desk.provider.open_checkout(_request(row.id, intent))
    async with desk.database.write() as session:
        statement = update(Checkout).where(Checkout.id == row.id).values(provider_ref=hosted.id)
        await session.execute(statement)
    return hosted.url


async def unbooked(desk: PayDesk, row: Checkout) -> bool:
    """Whether the provider has the money of a checkout that is not booked here yet. Raises ProviderFault."""
    seen = await _look(desk, row.provider_ref) if row.provider_ref else None
    return seen is not None and seen.status is CheckoutStatus.PAID


async def find_checkout(session: ReadSession, link: PayLink, number: str) -> Checkout | None:
    """The checkout of that id on this link, or without a readable id the link's newest."""
    statement = select(Checkout).where(Checkout.pay_link_id == link.id)
    try:
        statement = statement.where(Checkout.id == UUID(number))
    except ValueError:
        statement = statement.order_by(Checkout.created_at.desc()).limit(1)
    return await session.scalar(statement)


async def _unpaid(session: ReadSession | WriteSession, link: PayLink, now: datetime) -> list[Checkout]:
    """The client's checkouts in this currency, by whichever link, that may still be paid; newest first."""
    rows = await session.scalars(
        select(Checkout)
        .join(PayLink, PayLink.id == Checkout.pay_link_id)
        .where(
            PayLink.client_id == link.client_id,
            PayLink.currency == link.currency,
            Checkout.paid_at.is_(None),
            Checkout.created_at > now - OPEN_FOR,
        )
        .order_by(Checkout.created_at.desc())
    )
    return list(rows)


async def _look(desk: PayDesk, reference: str) -> HostedCheckout | None:
    try:
        return await desk.provider.checkout(reference)
    except NoSuchCheckout:
        return None


def _refuse_too_much(most: Money, intent: Intent, recent: list[Checkout], looks: Looks) -> None:
    """The sum our page asks for is refused, too, where money on its way is for the same thing."""
    paid = [row for row in recent if (seen := looks.get(row.id)) and seen.status is CheckoutStatus.PAID]
    arriving = Money(sum(row.amount for row in paid), most.currency)
    left = Money(max((most - arriving).minor, 0), most.currency)
    if arriving and (intent.asked or intent.amount > left):
        raise OnItsWay(left, arriving)
    if intent.amount > left:
        raise MoreThanOwed(left)


def _serves(row: Checkout, link: PayLink, amount: Money, looks: Looks, now: datetime) -> bool:
    """Whether the page of this checkout, or the one about to be opened for it, is the one wanted now."""
    if row.pay_link_id != link.id or row.amount != amount.minor:
        return False
    if row.id not in looks:
        return row.created_at > now - IN_FLIGHT
    seen = looks[row.id]
    return seen is not None and seen.status is CheckoutStatus.OPEN


def _request(number: UUID, intent: Intent) -> CheckoutRequest:
    return CheckoutRequest(
        id=number,
        amount=intent.amount,
        success_url=f"{intent.back}/done?checkout={number}&lang={intent.language}",
        cancel_url=f"{intent.back}?lang={intent.language}",
        description=intent.description,
        language=intent.language,
    )
