"""The business facts a script may speak of, by declared names and types. Filled in by the bot from the case store."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from engine.money import Money


@dataclass(frozen=True, slots=True)
class AccountDue:
    """What one account owes now; `service` is a plain word such as internet."""

    account: str
    service: str
    amount: Money


@dataclass(frozen=True, slots=True)
class Facts:
    """One client's situation at this moment. Days are in the client's zone; sums are of unfrozen, included, due debt.

    `promise_days` is how many days ahead a promise may reach; `parts` how many installments may be asked for at most.
    `consequence_on` is the day the plan's next service restriction can come, if the plan has one ahead. `account_tails`
    are the digits the identity step asks for; `link_by_sms` says that a pay link can be sent to their telephone.
    `promised` is what the client's open promises still are, in the currency of `amount_due`; None without any.
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
