"""The business facts a script may speak of, by declared names and types. Filled in by the bot from the case store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from dialogs.message import Schedule
from engine.money import Money


@dataclass(frozen=True, slots=True)
class AccountDue:
    """What one account owes now; `service` is a plain word such as internet."""

    account: str
    service: str
    amount: Money


@dataclass(frozen=True, slots=True)
class Due:
    """A sum that belongs to a day: promised by it, or falling due on it."""

    amount: Money
    day: date


@dataclass(frozen=True, slots=True)
class PayPoint:
    """A place where bills can be paid; `hours` as they are written on its door."""

    name: str
    address: str
    hours: str = ""


PAYABLE = ("promise", "broken", "installment", "missed", "upcoming", "amnesty")
"""Matters that are a sum to be paid: a day that is named is one for that sum."""
OFFERS = ("amnesty", "prepayment")
"""Matters that hold until their day and for their sum, and no longer and for no less."""
MATTERS = (*PAYABLE, "kept", "dispute", "answered", "claim", "prepayment", "agency")
"""The facts of type Due: what a script may be about besides the debt as a whole."""


@dataclass(frozen=True, slots=True)
class Facts:
    """One client's situation at this moment. Days are in the client's zone; sums are of unfrozen, included, due debt.

    `promise_days` is how many days ahead a promise may reach; `parts` how many installments may be asked for at most.
    `consequence_on` is the day the plan's next service restriction can come, if the plan has one ahead. `account_tails`
    are the digits the identity step asks for; `link_by_sms` says that a pay link can be sent to their telephone.
    `promised` is what the client's open promises still are, in the currency of `amount_due`; None without any.
    `all_due` is what is due with what is frozen; None where nothing is.

    `promise` is what is still missing of the open promise whose last day comes first, `broken` of the last promise if
    it was not kept in full; `installment` of the next agreed part, `missed` of all parts that should have come, with
    the oldest of their days; `upcoming` is what falls due next and is no debt yet, by account in `upcoming_accounts`.
    `schedules` are the payments that a policy grants at once for a number of parts; empty without a policy.

    `kept` is the promise kept last; `dispute` what is contested and since when, `answered` what was contested in the
    dispute answered last and when it was, with `granted` taken off; `claim` what the client said they had paid, and
    when, and was not found. `restored` names what was switched on again last; `restricted_on` is the day since which a
    service is off. `amnesty` is the part to pay and its last day, `cancelled` what is remitted then; `prepayment` the
    sum that pays `months_paid` months ahead and gives `months_free` more. `agency` is what goes to a collection agency
    and on which day, `agency_name` whom. `places` are where to pay near the client.
    """

    today: date
    name: str
    creditor: str
    amount_due: Money
    oldest_due: date
    days_past_due: int
    accounts: tuple[AccountDue, ...]
    promise_days: int = 14
    parts: int = 6
    consequence_on: date | None = None
    operator_hours: str = "9:00–18:00"
    pay_link: str = ""
    account_tails: tuple[str, ...] = ()
    link_by_sms: bool = False
    promised: Money | None = None
    all_due: Money | None = None
    promise: Due | None = None
    broken: Due | None = None
    installment: Due | None = None
    missed: Due | None = None
    upcoming: Due | None = None
    upcoming_accounts: tuple[AccountDue, ...] = ()
    kept: Due | None = None
    dispute: Due | None = None
    answered: Due | None = None
    granted: Money | None = None
    claim: Due | None = None
    restored: str = ""
    restricted_on: date | None = None
    amnesty: Due | None = None
    cancelled: Money | None = None
    prepayment: Due | None = None
    months_paid: int = 0
    months_free: int = 0
    agency: Due | None = None
    agency_name: str = ""
    places: tuple[PayPoint, ...] = ()
    schedules: Mapping[int, Schedule] = field(default_factory=dict)

    def due(self, matter: str) -> Due | None:
        """The fact of that name among MATTERS; None where it does not stand, or no name is given."""
        found: Due | None = getattr(self, matter) if matter else None
        return found
