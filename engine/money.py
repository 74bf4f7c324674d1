"""Money: integer minor units with a currency. Balances are sums of it; floats never touch it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

from babel.core import get_global
from babel.numbers import get_currency_precision

LARGEST = 10**15
"""Minor units; far more than anybody owes, and far less than the store can add up."""
WRITTEN = re.compile(r"(-?)([0-9]{1,16})(?:\.([0-9]{1,16}))?")


class BadAmount(ValueError):
    """The amount is not a plain decimal number with no more decimals than its currency has."""


class OtherCurrency(ValueError):
    """Two sums of money in different currencies cannot be added or compared."""


@dataclass(frozen=True, slots=True)
class Money:
    """A sum in minor units (cents, bani, kopiykas) of an ISO 4217 currency; may be negative."""

    minor: int
    currency: str

    def __add__(self, other: Money) -> Money:
        return Money(self.minor + self._same(other).minor, self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(self.minor - self._same(other).minor, self.currency)

    def __lt__(self, other: Money) -> bool:
        return self.minor < self._same(other).minor

    def __le__(self, other: Money) -> bool:
        return self.minor <= self._same(other).minor

    def __bool__(self) -> bool:
        return self.minor != 0

    def __str__(self) -> str:
        return f"{self.major} {self.currency}"

    @property
    def major(self) -> Decimal:
        """The sum in major units, with exactly the decimals of its currency."""
        return Decimal(self.minor).scaleb(-exponent(self.currency))

    def parts(self, count: int) -> tuple[Money, ...]:
        """Split into `count` parts that differ by at most one minor unit and add up exactly, larger first."""
        share, rest = divmod(self.minor, count)
        return tuple(Money(share + (i < rest), self.currency) for i in range(count))

    def _same(self, other: Money) -> Money:
        if other.currency != self.currency:
            raise OtherCurrency(f"{self} and {other} are in different currencies")
        return other


def exponent(currency: str) -> int:
    """How many decimals the currency has (ISO 4217 as CLDR gives it): RON 2, JPY 0, KWD 3."""
    return get_currency_precision(currency)


def is_currency(code: str) -> bool:
    """Whether CLDR knows the three-letter code."""
    return code in get_global("all_currencies")


def money(text: str | int | Decimal, currency: str) -> Money:
    """Read an amount in major units, as files and forms carry it: a point for decimals, no grouping, no exponent.

    Raises BadAmount where the text is no number or has more decimals than the currency.
    """
    written = WRITTEN.fullmatch(str(text).strip())
    if written is None:
        raise BadAmount(f"'{text}' is not an amount: write digits with a point for decimals, such as 120.50")
    sign, whole, decimals = written.groups(default="")
    places, decimals = exponent(currency), decimals.rstrip("0")
    if len(decimals) > places:
        raise BadAmount(f"{text} has more decimals than {currency} allows ({places})")
    minor = int(whole + decimals.ljust(places, "0"))
    if minor > LARGEST:
        raise BadAmount(f"{text} is too large for an amount")
    return Money(-minor if sign else minor, currency)
