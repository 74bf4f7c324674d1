"""The two debts (A8-A10): real debt, and conditional debt = real debt less what conditional payments freeze. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class HoldKind(StrEnum):
    """Why a part of a debt is frozen."""

    DISPUTE = "dispute"
    UNCONFIRMED = "unconfirmed"
    PROMISE = "promise"
    INSTALLMENT = "installment"


@dataclass(frozen=True, slots=True)
class Owed:
    """The unpaid balance of one due, included invoice, in minor units."""

    invoice: int
    account: int
    due: date
    balance: int


@dataclass(frozen=True, slots=True)
class Hold:
    """A conditional payment: it freezes `amount` minor units through `until` (the client's day; None: till settled).

    Without an invoice or account it covers the oldest due first.
    """

    kind: HoldKind
    amount: int
    invoice: int | None = None
    account: int | None = None
    until: date | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """How a client's debt stands on a day: sums in minor units, and what is frozen of each owed invoice."""

    owed: tuple[Owed, ...]
    frozen: tuple[int, ...]
    held: tuple[Hold, ...]

    @property
    def real(self) -> int:
        """What is unpaid, due and included."""
        return sum(item.balance for item in self.owed)

    @property
    def conditional(self) -> int:
        """What may be collected now."""
        return self.real - sum(self.frozen)

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

    def days_past_due(self, today: date) -> int:
        """Days since the oldest unpaid invoice, frozen or not, fell due; 0 without one."""
        return max((today - self.owed[0].due).days, 0) if self.owed else 0


def standing(owed: Sequence[Owed], holds: Iterable[Hold], today: date) -> Standing:
    """Lay the holds over what is owed, `owed` being in the order of due date and invoice.

    Holds that name an invoice freeze first, then those that name an account, then the others, oldest due first
    and only what is not yet frozen.
    """
    held = tuple(hold for hold in holds if hold.until is None or hold.until >= today)
    frozen = [0] * len(owed)
    for hold in sorted(held, key=_breadth):
        left = hold.amount
        for at, item in enumerate(owed):
            if left == 0:
                break
            if hold.invoice not in (None, item.invoice) or hold.account not in (None, item.account):
                continue
            part = min(left, item.balance - frozen[at])
            frozen[at] += part
            left -= part
    return Standing(tuple(owed), tuple(frozen), held)


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
