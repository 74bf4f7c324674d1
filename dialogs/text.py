"""One text of a script: `{name}` placeholders with declared types, and an optional plural. One pass, nothing nested."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

WORDS = "words"
"""What the key of an option's words ends in: a list, with commas, of what else people may call it."""
PLACEHOLDER = re.compile(r"\{([a-z_.]+)\}")
BROKEN = re.compile(r"[{}]")


class Shape(StrEnum):
    """The type of a placeholder: how its value is shown. `day` is a date with its weekday, as in a read-back."""

    TEXT = "text"
    MONEY = "money"
    DATE = "date"
    DAY = "day"
    INTEGER = "integer"
    ACCOUNTS = "accounts"
    SCHEDULE = "schedule"
    PLACES = "places"


FACTS = {
    "name": Shape.TEXT,
    "creditor": Shape.TEXT,
    "amount_due": Shape.MONEY,
    "oldest_due": Shape.DATE,
    "all_due": Shape.MONEY,
    "days_past_due": Shape.INTEGER,
    "accounts": Shape.ACCOUNTS,
    "promise_days": Shape.INTEGER,
    "parts": Shape.INTEGER,
    "consequence_on": Shape.DATE,
    "operator_hours": Shape.TEXT,
    "pay_link": Shape.TEXT,
    "promise.amount": Shape.MONEY,
    "promise.day": Shape.DAY,
    "broken.amount": Shape.MONEY,
    "broken.day": Shape.DAY,
    "installment.amount": Shape.MONEY,
    "installment.day": Shape.DAY,
    "missed.amount": Shape.MONEY,
    "missed.day": Shape.DATE,
    "upcoming.amount": Shape.MONEY,
    "upcoming.day": Shape.DAY,
    "upcoming_accounts": Shape.ACCOUNTS,
    "kept.amount": Shape.MONEY,
    "kept.day": Shape.DAY,
    "dispute.amount": Shape.MONEY,
    "dispute.day": Shape.DATE,
    "answered.amount": Shape.MONEY,
    "answered.day": Shape.DATE,
    "granted": Shape.MONEY,
    "claim.amount": Shape.MONEY,
    "claim.day": Shape.DATE,
    "restored": Shape.TEXT,
    "restricted_on": Shape.DATE,
    "amnesty.amount": Shape.MONEY,
    "amnesty.day": Shape.DAY,
    "cancelled": Shape.MONEY,
    "prepayment.amount": Shape.MONEY,
    "prepayment.day": Shape.DAY,
    "months_paid": Shape.INTEGER,
    "months_free": Shape.INTEGER,
    "agency.amount": Shape.MONEY,
    "agency.day": Shape.DAY,
    "agency_name": Shape.TEXT,
    "places": Shape.PLACES,
}
"""The facts a text may speak of: the fields of Facts, and of its Dues, that make sense to a subscriber."""

PUBLIC = frozenset({"name", "creditor", "promise_days", "parts", "operator_hours", "places"})
"""What anybody may hear."""

PRIVATE = (frozenset(FACTS) - PUBLIC) | {"amount", "until", "schedule", "total"}
"""What only the client may hear or read: a line that shows one of these waits for the identity step."""


@dataclass(frozen=True, slots=True)
class Text:
    """An English text with its key. With `plural` set, `by` names the integer that picks between the two forms."""

    key: str
    english: str
    plural: str = ""
    by: str = ""
    line: int = 0

    @property
    def forms(self) -> tuple[str, ...]:
        """The English form, or both where the text has a plural."""
        return (self.english, self.plural) if self.plural else (self.english,)

    @property
    def placeholders(self) -> frozenset[str]:
        """All names the text wants filled in."""
        return frozenset(name for form in self.forms for name in placeholders(form))


def placeholders(form: str) -> frozenset[str]:
    """The names between braces."""
    return frozenset(PLACEHOLDER.findall(form))


def is_broken(form: str) -> bool:
    """Whether a brace is left over once the placeholders are taken out."""
    return bool(BROKEN.search(PLACEHOLDER.sub("", form)))


def fill(form: str, value: Callable[[str], str]) -> str:
    """Put the shown values in. A value that itself holds braces stays as it is: there is one pass."""
    return PLACEHOLDER.sub(lambda found: value(found[1]), form)
