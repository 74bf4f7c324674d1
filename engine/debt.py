"""The two debts (A8-A10): real debt, and conditional debt = real debt less what conditional payments freeze. Pure.

What millions are decided from and with is named tuples: they are made in a third of the time that data classes take.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from enum import StrEnum
from typing import NamedTuple


class HoldKind(StrEnum):
    """Why a part of a debt is frozen."""

    DISPUTE = "dispute"
    UNCONFIRMED = "unconfirmed"
    PROMISE = "promise"
    INSTALLMENT = "installment"
    EXEMPTION = "exemption"
    AMNESTY = "amnesty"


class Part(StrEnum):
    """Whose debt an invoice is, as one plan sees it.

    `earlier`: real debt that an earlier cycle of a blinking plan has worked and left alone (A5); `elsewhere`: not
    included here but in another plan of the client, where a hold without an invoice may lie first (A15).
    """

    WORKED = "worked"
    EARLIER = "earlier"
    ELSEWHERE = "elsewhere"


class Owed(NamedTuple):
    """The unpaid balance of one due invoice, in minor units."""

    invoice: int
    account: int
    due: date
    balance: int
    part: Part = Part.WORKED


class Pause(NamedTuple):
    """A dunning pause from a day of the client's to another, on which it is over."""

    starts: date
    ends: date


class Hold(NamedTuple):
    """A conditional payment: it freezes `amount` minor units through `until` (the client's day; None: till settled).

    Without an invoice or account it covers the oldest due first.
    """

    kind: HoldKind
    amount: int
    invoice: int | None = None
    account: int | None = None
    until: date | None = None


class Standing(NamedTuple):
    """How a client's debt stands on a day: sums in minor units, and what is frozen of each invoice under work.

    `earlier` is what is still unpaid of invoices that earlier cycles of a blinking plan have left alone, `own` what is
    unpaid, due, included and this cycle's to work, `conditional` what of it may be collected now.
    """

    owed: tuple[Owed, ...]
    frozen: tuple[int, ...]
    held: tuple[Hold, ...]
    earlier: int
    own: int
    conditional: int

    @classmethod
    def of(
        cls, owed: tuple[Owed, ...], frozen: tuple[int, ...], held: tuple[Hold, ...] = (), earlier: int = 0
    ) -> Standing:
        """With its sums: they are asked for again and again."""
        own = sum([item.balance for item in owed])
        return cls(owed, frozen, held, earlier, own, own - sum(frozen))

    @property
    def real(self) -> int:
        """What is unpaid, due and included (A8)."""
        return self.own + self.earlier

    def conditional_of(self, account: int) -> int:
        """What may be collected now on one account."""
        return sum(
            item.balance - frozen
            for item, frozen in zip(self.owed, self.frozen, strict=True)
            if item.account == account
        )

    def aged(self, days: int, today: date) -> int:
        """The conditional debt of invoices at least `days` past due (day 0 is the due date)."""
        return sum(
            item.balance - frozen
            for item, frozen in zip(self.owed, self.frozen, strict=True)
            if (today - item.due).days >= days
        )

    def conditional_since(self) -> date | None:
        """The due date of the oldest invoice of which anything may be collected now; None where nothing may."""
        left = zip(self.owed, self.frozen, strict=True)
        return next((item.due for item, frozen in left if item.balance > frozen), None)

    def days_past_due(self, today: date) -> int:
        """Days since the oldest unpaid invoice, frozen or not, fell due; 0 without one."""
        return max((today - self.owed[0].due).days, 0) if self.owed else 0


def standing(owed: Sequence[Owed], holds: Iterable[Hold], today: date) -> Standing:
    """Lay the holds over what is owed, `owed` being in the order of due date and invoice.

    Holds that name an invoice freeze first, then those that name an account, then the others, oldest due first
    and only what is not yet frozen. Only what is this plan's and this cycle's to work is told in the result.
    """
    held = tuple([hold for hold in holds if hold.until is None or hold.until >= today])
    if not held and all(item.part is Part.WORKED for item in owed):
        return Standing.of(tuple(owed), (0,) * len(owed))
    live = [item for item in owed if item.part is not Part.EARLIER]
    frozen = [0] * len(live)
    for hold in sorted(held, key=_breadth):
        left = hold.amount
        for at, item in enumerate(live):
            if left == 0:
                break
            if hold.invoice not in (None, item.invoice) or hold.account not in (None, item.account):
                continue
            share = min(left, item.balance - frozen[at])
            frozen[at] += share
            left -= share
    mine = [(item, share) for item, share in zip(live, frozen, strict=True) if item.part is Part.WORKED]
    earlier = sum(item.balance for item in owed if item.part is Part.EARLIER)
    return Standing.of(tuple(item for item, _ in mine), tuple(share for _, share in mine), held, earlier)


def together(debts: Sequence[Standing]) -> Standing:
    """The debts of a client on several plans as one; an invoice that two of them work counts once."""
    shares = {item.invoice: (item, share) for one in debts for item, share in zip(one.owed, one.frozen, strict=True)}
    rows = sorted(shares.values(), key=lambda row: (row[0].due, row[0].invoice))
    held = debts[0].held if debts else ()
    earlier = max((one.earlier for one in debts), default=0)
    return Standing.of(tuple(item for item, _ in rows), tuple(share for _, share in rows), held, earlier)


def _breadth(hold: Hold) -> int:
    return 0 if hold.invoice is not None else 1 if hold.account is not None else 2


def allocate(amount: int, balances: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Share `amount` over (invoice, balance) pairs in their order; what no balance takes is not in the result."""
    shares: list[tuple[int, int]] = []
    for invoice, balance in balances:
        part = min(amount, balance)
        if part > 0:
            shares.append((invoice, part))
            amount -= part
    return shares


def paused_days(pauses: Sequence[Pause], since: date, today: date) -> int:
    """How many days of `[since, today)` were paused; a day that two pauses cover counts once."""
    if not pauses:
        return 0
    counted, covered = 0, since
    for pause in sorted(pauses, key=lambda one: one.starts):
        start, end = max(pause.starts, covered), min(pause.ends, today)
        if end > start:
            counted += (end - start).days
            covered = end
    return counted


def paused_until(pauses: Sequence[Pause], today: date) -> date | None:
    """The first day that is not paused, when `today` is."""
    if not pauses:
        return None
    day = today
    for pause in sorted(pauses, key=lambda one: one.starts):
        if pause.starts <= day < pause.ends:
            day = pause.ends
    return day if day > today else None


def day_reached(since: date, days: int, pauses: Sequence[Pause]) -> date:
    """The first day on which `days` have passed since `since`, less those paused."""
    day = since + timedelta(days=days)
    while pauses and (day - since).days - paused_days(pauses, since, day) < days:
        day += timedelta(days=1)
    return day


def delinquent_days(debt: Standing, pauses: Sequence[Pause], today: date) -> int:
    """Days past due less paused days; only what was paused after the oldest invoice fell due counts."""
    if not debt.owed:
        return 0
    return debt.days_past_due(today) - paused_days(pauses, debt.owed[0].due, today)
