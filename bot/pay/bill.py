"""What a pay page shows: what is due now in one currency, account by account, and what is known about it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import func, select, text

from engine.debt import HoldKind
from engine.ledger import client_day
from engine.money import Money
from engine.store.session import ReadSession
from engine.store.tables.ledger import Payment, PaymentStatus
from engine.store.tables.portfolio import Account, Invoice

HELD = """
select kind, sum(amount)::bigint, max(until) from conditional_payments
where client_id = :client and currency = :currency and amount > 0 and (until is null or until >= :today)
group by kind
"""


@dataclass(frozen=True, slots=True)
class Line:
    """What one account owes. `account` is the end of its number only: the page may be seen by others."""

    account: str
    provider: str
    service: str
    oldest_due: date
    amount: Money


@dataclass(frozen=True, slots=True)
class Held:
    """A part of the debt for which something is agreed or being looked into; `until` is the client's day, if any."""

    amount: Money
    until: date | None


@dataclass(frozen=True, slots=True)
class Bill:
    """What the client owes in one currency `today`, a day of theirs, and what is being looked into or agreed."""

    currency: str
    today: date
    lines: tuple[Line, ...]
    held: dict[HoldKind, Held]
    last_paid: Money | None
    last_paid_at: datetime | None

    @property
    def total(self) -> Money:
        """The real debt: unpaid and due, frozen or not."""
        return Money(sum(line.amount.minor for line in self.lines), self.currency)


async def bill(session: ReadSession, client: int, currency: str, now: datetime) -> Bill:
    """The bill as it stands at `now`."""
    today = await client_day(session, client, now)
    rows = await session.execute(
        select(Account.ref, Account.provider, Account.service, func.min(Invoice.due), func.sum(Invoice.balance))
        .join(Account, Account.id == Invoice.account_id)
        .where(Invoice.client_id == client, Invoice.balance > 0, Invoice.due <= today, Account.currency == currency)
        .group_by(Account.id)
        .order_by(func.min(Invoice.due), Account.ref)
    )
    held = await session.execute(text(HELD), {"client": client, "currency": currency, "today": today})
    last = await session.scalar(
        select(Payment)
        .where(Payment.client_id == client, Payment.currency == currency, Payment.status == PaymentStatus.CONFIRMED)
        .order_by(Payment.paid_at.desc(), Payment.id.desc())
        .limit(1)
    )
    return Bill(
        currency=currency,
        today=today,
        lines=tuple(
            Line(tail(ref), provider, service, due, Money(int(amount), currency))
            for ref, provider, service, due, amount in rows
        ),
        held={HoldKind(kind): Held(Money(amount, currency), until) for kind, amount, until in held},
        last_paid=Money(last.amount, last.currency) if last else None,
        last_paid_at=last.paid_at if last else None,
    )


async def owed(session: ReadSession, client: int, currency: str, now: datetime) -> Money:
    """The client's real debt in this currency at `now`."""
    total = await session.scalar(
        select(func.coalesce(func.sum(Invoice.balance), 0))
        .join(Account, Account.id == Invoice.account_id)
        .where(
            Invoice.client_id == client,
            Invoice.balance > 0,
            Invoice.due <= await client_day(session, client, now),
            Account.currency == currency,
        )
    )
    return Money(int(total or 0), currency)


def tail(number: str) -> str:
    """The last characters of an account number: four, and never more than half of it."""
    return number[len(number) - min(4, len(number) // 2) :]
