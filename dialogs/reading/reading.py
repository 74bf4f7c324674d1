"""What was made of one reply: language, intent, values, and why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

LANGUAGES = ("en", "ro", "uk", "ru")
"""The languages of the product; a deployment may offer fewer."""


class Intent(StrEnum):
    """What a person wants, most binding first: where one reply holds several, the first in this order counts."""

    OPT_OUT = "opt_out"
    WRONG_PERSON = "wrong_person"
    ALREADY_PAID = "already_paid"
    DISPUTE = "dispute"
    HUMAN = "human"
    REQUEST_INSTALLMENTS = "request_installments"
    PROMISE_TO_PAY = "promise_to_pay"
    REQUEST_EXTENSION = "request_extension"
    HARDSHIP = "hardship"
    REQUEST_PAYMENT_LINK = "request_payment_link"
    ASK_BALANCE = "ask_balance"
    WHO_ARE_YOU = "who_are_you"
    AFFIRM = "affirm"
    DENY = "deny"
    THANKS = "thanks"
    OTHER = "other"


class Asked(StrEnum):
    """What the bot has just asked for: a bare number is a date only after a date was asked."""

    NOTHING = ""
    DATE = "date"
    AMOUNT = "amount"
    COUNT = "count"
    CONFIRM = "confirm"


class Band(StrEnum):
    """How sure the reading is: act on it, offer the first two intents, or ask again."""

    ACT = "act"
    CONFIRM = "confirm"
    ASK = "ask"


@dataclass(frozen=True, slots=True)
class Day:
    """A day that was named, and the rule that found it."""

    date: date
    rule: str


@dataclass(frozen=True, slots=True)
class Sum:
    """An amount in major units; `currency` is ISO 4217, LEI for lei of either country, or empty where unnamed."""

    value: Decimal
    currency: str = ""


@dataclass(frozen=True, slots=True)
class Periodic:
    """A sum paid again and again: so much a `week` or a `month`; `currency` as in Sum."""

    value: Decimal
    currency: str
    period: str


@dataclass(frozen=True, slots=True)
class Named:
    """Days and sums that a reply names, and why. `count` is parts or months, `percent` 0..100, `full` the whole debt.

    `range` says that several amounts are the bounds of one, or a choice, and not sums to be paid one by one.
    """

    dates: tuple[Day, ...] = ()
    amounts: tuple[Sum, ...] = ()
    count: int | None = None
    fraction: Fraction | None = None
    percent: Decimal | None = None
    periodic: Periodic | None = None
    full: bool = False
    range: bool = False
    why: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reading:
    """A reply understood. `text` is normalised, `said` as written; `language` is what it is written in.

    `switch` says whether the talk goes over to that language, `chosen` whether it was asked for; `script` is Latn where
    the language has another alphabet. `answer` is the yes or no the reply begins with, None for neither. `percent` is
    0..100, `full` the whole debt; `ranged` says that several amounts are the bounds of one, or a choice; `untold` that
    no word of it tells what is wanted, which was judged by its letters and its length alone.
    """

    text: str
    language: str
    said: str = ""
    script: str = ""
    switch: bool = False
    chosen: bool = False
    intent: Intent = Intent.OTHER
    second: Intent = Intent.OTHER
    margin: float = 0.0
    band: Band = Band.ASK
    answer: bool | None = None
    dates: tuple[Day, ...] = ()
    amounts: tuple[Sum, ...] = ()
    count: int | None = None
    fraction: Fraction | None = None
    percent: Decimal | None = None
    periodic: Periodic | None = None
    full: bool = False
    ranged: bool = False
    untold: bool = False
    why: tuple[str, ...] = ()

    def acts(self, *intents: Intent) -> bool:
        """Whether it is surely one of these."""
        return self.band == Band.ACT and self.intent in intents
