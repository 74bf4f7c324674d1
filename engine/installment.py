"""Paying in parts: what a policy grants, and the schedule that follows from it. Pure; sums are minor units."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum

YEAR = 365
"""Days of a year of interest, leap or not: Actual/365 (Fixed), 2006 ISDA Definitions, section 4.16(d)."""


class Every(StrEnum):
    """How far apart the parts fall due."""

    WEEK = "week"
    TWO_WEEKS = "two_weeks"
    MONTH = "month"


class Answer(StrEnum):
    """What a policy says to a request."""

    GRANTED = "granted"
    NEEDS_APPROVAL = "needs_approval"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class InstallmentPolicy:
    """What a plan grants a client who asks to pay in parts.

    `first_share` is the first part in percent of the debt (0: as large as the others), `interest` percent a year,
    `fee` is charged once, with the first part. A debt above `approval_above` needs an operator (None: none does).
    """

    most_parts: int
    least_part: int = 1
    first_share: int = 0
    interest: Decimal = Decimal(0)
    fee: int = 0
    approval_above: int | None = None
    every: Every = Every.MONTH


@dataclass(frozen=True, slots=True)
class Part:
    """One part: `amount` of the debt itself, due on a day of the client's; `interest` and `fee` are beside it."""

    due: date
    amount: int
    interest: int = 0
    fee: int = 0


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer of a policy and, unless it is granted, the reason as a person reads it."""

    answer: Answer
    reason: str | None = None


def granted(amount: int, parts: int, policy: InstallmentPolicy) -> Verdict:
    """Whether a debt of `amount` may be paid in so many parts without anybody being asked."""
    if parts < 2:
        return Verdict(Answer.REFUSED, "one payment is no installment plan")
    if parts > policy.most_parts:
        return Verdict(Answer.REFUSED, f"too many parts: the plan grants at most {policy.most_parts}")
    if min(_shares(amount, parts, policy.first_share)) < max(policy.least_part, 1):
        return Verdict(Answer.REFUSED, "the parts would be smaller than the plan grants")
    if policy.approval_above is not None and amount > policy.approval_above:
        return Verdict(Answer.NEEDS_APPROVAL, "the debt is above the sum the plan grants without approval")
    return Verdict(Answer.GRANTED)


def schedule(
    amount: int, parts: int, policy: InstallmentPolicy, today: date, working_day: Callable[[date], bool]
) -> tuple[Part, ...]:
    """The parts of an agreement made `today`, the first one period from it; their amounts add up to `amount`.

    A part that would fall due on a day off is moved to the next working day. Interest is simple, on what is unpaid
    until each part falls due: balance x rate x days / 365, half a minor unit rounded up. Expects 1 <= parts <= amount.
    """
    since, unpaid = today, amount
    proposed: list[Part] = []
    shares = _shares(amount, parts, policy.first_share)
    for number, (due, share) in enumerate(zip(_days(today, policy.every, parts, working_day), shares, strict=True)):
        interest = Decimal(unpaid) * policy.interest / 100 * (due - since).days / YEAR
        rounded = int(interest.to_integral_value(ROUND_HALF_UP))
        proposed.append(Part(due, share, rounded, policy.fee if number == 0 else 0))
        since, unpaid = due, unpaid - share
    return tuple(proposed)


def _shares(amount: int, parts: int, first_share: int) -> list[int]:
    """What does not divide evenly goes to the first part."""
    if parts == 1:
        return [amount]
    share = (amount - amount * first_share // 100) // (parts - 1) if first_share else amount // parts
    return [amount - share * (parts - 1), *[share] * (parts - 1)]


def _days(today: date, every: Every, count: int, working_day: Callable[[date], bool]) -> Iterator[date]:
    previous = today
    for number in range(1, count + 1):
        due = max(_after(today, every, number), previous + timedelta(days=1))
        while not working_day(due):
            due += timedelta(days=1)
        yield due
        previous = due


def _after(day: date, every: Every, count: int) -> date:
    """`count` periods after `day`. Months are counted from `day` itself, so that the 31st comes back after February."""
    if every is not Every.MONTH:
        return day + timedelta(weeks=count * (2 if every is Every.TWO_WEEKS else 1))
    years, month = divmod(day.month - 1 + count, 12)
    year = day.year + years
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))
