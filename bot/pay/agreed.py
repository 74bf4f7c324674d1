"""What a client has agreed to pay in one currency: the parts of a running plan, and an open promise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import text

from engine.money import Money
from engine.store.session import ReadSession

PARTS = text("""
select i.due, i.amount - paid.sum as missing, i.interest, i.fee
from installment_plans ip join installments i on i.plan_id = ip.id
cross join lateral (
  select coalesce(sum(a.amount), 0)::bigint as sum from appropriations a where a.installment_id = i.id) paid
where ip.client_id = :client and ip.currency = :currency and ip.ended_at is null and i.amount > paid.sum
order by i.due, i.id
""")

PROMISE = text("""
select p.until, p.amount - paid.sum as missing
from promises p
cross join lateral (
  select coalesce(sum(a.amount), 0)::bigint as sum from appropriations a where a.promise_id = p.id) paid
where p.client_id = :client and p.currency = :currency and p.state = 'open' and p.until + p.grace >= :today
  and p.amount > paid.sum
order by p.until, p.id limit 1
""")


@dataclass(frozen=True, slots=True)
class Part:
    """An installment, as far as it is unpaid: `amount` of the debt itself; `interest` and `fee` come beside it."""

    due: date
    amount: Money
    interest: Money
    fee: Money

    @property
    def beside(self) -> Money:
        """What is agreed beyond the debt."""
        return self.interest + self.fee


@dataclass(frozen=True, slots=True)
class Promised:
    """What is missing of the promise that ends first; `until` is its day as the client named it, without grace."""

    until: date
    amount: Money


async def parts_to_pay(session: ReadSession, client: int, currency: str, today: date, debt: Money) -> tuple[Part, ...]:
    """The installments that are late on the client's day `today`, all of them, or else the next one.

    Never more of them than the `debt` that is left: it may have been paid or written off on another way.
    """
    rows = (await session.execute(PARTS, {"client": client, "currency": currency})).all()
    late = [row for row in rows if row.due < today]
    found, left = [], debt.minor
    for row in late or rows[:1]:
        amount = min(row.missing, left)
        if amount > 0:
            found.append(Part(row.due, *(Money(minor, currency) for minor in (amount, row.interest, row.fee))))
            left -= amount
    return tuple(found)


async def promised(session: ReadSession, client: int, currency: str, today: date, debt: Money) -> Promised | None:
    """The open promise that ends first, at most the `debt` that is left; None where there is none."""
    found = {"client": client, "currency": currency, "today": today}
    row = (await session.execute(PROMISE, found)).one_or_none()
    if row is None or not debt:
        return None
    return Promised(row.until, min(Money(row.missing, currency), debt))


def together(sums: Sequence[Money], currency: str) -> Money:
    """Sums of one currency, added."""
    return sum(sums, start=Money(0, currency))
