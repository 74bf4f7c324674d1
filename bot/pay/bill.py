"""What a pay page shows in one currency: what is due now, what was agreed, what comes next, and the sum asked first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from itertools import groupby
from typing import NamedTuple

from sqlalchemy import func, select, text

from bot.pay.agreed import Part, Promised, parts_to_pay, promised, together
from engine.debt import HoldKind, allocate
from engine.ledger import credits_of
from engine.money import Money
from engine.store.days import client_day
from engine.store.session import ReadSession
from engine.store.tables.ledger import Payment, PaymentStatus
from engine.store.tables.portfolio import Account, Invoice

LOOK_AHEAD = timedelta(days=62)
"""How far away the next invoice may be to be shown: as far as our messages speak of one."""

BILLING_MONTH = timedelta(days=28)
"""Shown with the next invoice is what falls due less than this after it. A monthly bill comes again after 28 days at
the soonest, so every account is there with its next bill and none with two.
"""

HELD = """
select kind, sum(amount)::bigint, max(until) from conditional_payments
where client_id = :client and currency = :currency and amount > 0 and (until is null or until >= :today)
group by kind
"""


@dataclass(frozen=True, slots=True)
class Line:
    """What one account is to pay. `account` is the end of its number only: the page may be seen by others.

    `day` is the oldest due date of what is due, or the day on which it falls due.
    """

    account: str
    provider: str
    service: str
    day: date
    amount: Money


@dataclass(frozen=True, slots=True)
class Held:
    """A part of the debt for which something is agreed or being looked into; `until` is the client's day, if any."""

    amount: Money
    until: date | None


class Reason(StrEnum):
    """Why a sum is asked for."""

    DUE = "due"
    INSTALLMENT = "installment"
    PROMISE = "promise"
    COMING = "coming"


@dataclass(frozen=True, slots=True)
class Asked:
    """The sum offered first: `amount` with interest and fee, `debt` without them; `day` is when it is to be paid."""

    reason: Reason
    amount: Money
    debt: Money
    day: date


@dataclass(frozen=True, slots=True)
class Bill:
    """How a client stands in one currency `today`, a day of theirs. Lines and sums are less what is in `credit`,
    money of the client that settles what is due at once and what comes on its day.
    """

    currency: str
    today: date
    lines: tuple[Line, ...]
    coming: tuple[Line, ...]
    parts: tuple[Part, ...]
    promise: Promised | None
    held: dict[HoldKind, Held]
    credit: Money
    last_paid: Money | None
    last_paid_at: datetime | None

    @property
    def total(self) -> Money:
        """The real debt: unpaid and due, frozen or not."""
        return together([line.amount for line in self.lines], self.currency)

    @property
    def asked(self) -> Asked | None:
        """What was agreed, the nearest day first; else all that is due; else what falls due next. None: nothing."""
        agreed = [one for one in (self._promise(), self._installment()) if one]
        if agreed:
            return min(agreed, key=lambda one: one.day)
        if self.lines:
            return Asked(Reason.DUE, self.total, self.total, min(line.day for line in self.lines))
        if self.coming:
            debt = together([line.amount for line in self.next_day], self.currency)
            return Asked(Reason.COMING, debt, debt, self.coming[0].day)
        return None

    @property
    def next_day(self) -> tuple[Line, ...]:
        """What falls due on the first day on which anything does."""
        return tuple(line for line in self.coming if line.day == self.coming[0].day)

    @property
    def most(self) -> Money:
        """The most that can be paid now: what is due and what comes next, with the interest and fee asked for."""
        all_of_it = together([line.amount for line in (*self.lines, *self.coming)], self.currency)
        asked = self.asked
        return max(all_of_it, asked.debt) + (asked.amount - asked.debt) if asked else all_of_it

    @property
    def shown(self) -> str:
        """What a page carries, so that pressing one that is out of date is noticed."""
        return f"{self.asked.amount.minor if self.asked else 0}-{self.most.minor}"

    def _promise(self) -> Asked | None:
        promise = self.promise
        return Asked(Reason.PROMISE, promise.amount, promise.amount, promise.until) if promise else None

    def _installment(self) -> Asked | None:
        if not self.parts:
            return None
        debt = together([part.amount for part in self.parts], self.currency)
        beside = together([part.beside for part in self.parts], self.currency)
        return Asked(Reason.INSTALLMENT, debt + beside, debt, self.parts[0].due)


class _Unpaid(NamedTuple):
    invoice: int
    due: date
    balance: int
    account: str
    provider: str
    service: str


async def bill(session: ReadSession, client: int, currency: str, now: datetime) -> Bill:
    """The bill as it stands at `now`."""
    today = await client_day(session, client, now)
    unpaid, credit = await _unpaid(session, client, currency)
    debt = Money(sum(row.balance for row in unpaid), currency)
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
        lines=_by_account([row for row in unpaid if row.due <= today], currency),
        coming=_coming([row for row in unpaid if row.due > today], today, currency),
        parts=await parts_to_pay(session, client, currency, today, debt),
        promise=await promised(session, client, currency, today, debt),
        held={HoldKind(kind): Held(Money(amount, currency), until) for kind, amount, until in held},
        credit=credit,
        last_paid=Money(last.amount, last.currency) if last else None,
        last_paid_at=last.paid_at if last else None,
    )


async def _unpaid(session: ReadSession, client: int, currency: str) -> tuple[list[_Unpaid], Money]:
    """The invoices as far as the credit does not settle them, in the order in which it will; and the credit."""
    rows = await session.execute(
        select(Invoice.id, Invoice.due, Invoice.balance, Account.ref, Account.provider, Account.service)
        .join(Account, Account.id == Invoice.account_id)
        .where(Invoice.client_id == client, Invoice.balance > 0, Account.currency == currency)
        .order_by(Invoice.due, Invoice.ref)
    )
    unpaid = [_Unpaid(*row) for row in rows]
    found = (credit for credit in await credits_of(session, client) if credit.currency == currency)
    credit = next(found, Money(0, currency))
    settled = dict(allocate(credit.minor, [(row.invoice, row.balance) for row in unpaid]))
    left = (row._replace(balance=row.balance - settled.get(row.invoice, 0)) for row in unpaid)
    return [row for row in left if row.balance], credit


def _by_account(rows: Iterable[_Unpaid], currency: str) -> tuple[Line, ...]:
    """One line for each account, the oldest debt first."""
    lines = (_line(list(own), currency) for _, own in groupby(sorted(rows, key=_account), key=_account))
    return tuple(sorted(lines, key=lambda line: line.day))


def _coming(rows: Sequence[_Unpaid], today: date, currency: str) -> tuple[Line, ...]:
    """One line for each day and account, the soonest first."""
    if not rows or rows[0].due > today + LOOK_AHEAD:
        return ()
    soon = sorted((row for row in rows if row.due < rows[0].due + BILLING_MONTH), key=_day_and_account)
    return tuple(_line(list(own), currency) for _, own in groupby(soon, key=_day_and_account))


def _account(row: _Unpaid) -> str:
    return row.account


def _day_and_account(row: _Unpaid) -> tuple[date, str]:
    return row.due, row.account


def _line(rows: Sequence[_Unpaid], currency: str) -> Line:
    first = rows[0]
    amount = Money(sum(row.balance for row in rows), currency)
    return Line(tail(first.account), first.provider, first.service, first.due, amount)


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
