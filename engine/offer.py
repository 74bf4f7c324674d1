"""What a plan may offer besides payment in full: a part for the whole, or months ahead at a price (C10, C11). Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta


@dataclass(frozen=True, slots=True)
class Amnesty:
    """Who pays `pay` percent of the conditional debt is remitted the rest; the offer stands `within` days."""

    pay: int
    within: int

    def part(self, debt: int) -> int:
        """What is to be paid of a debt, rounded up to the minor unit."""
        return -(-debt * self.pay // 100)


@dataclass(frozen=True, slots=True)
class Prepayment:
    """`price` minor units pay `months` ahead, and `free` more come with them; the offer stands `within` days."""

    months: int
    free: int
    price: int
    within: int


Offer = Amnesty | Prepayment


def last_day(offer: Offer, made_on: date) -> date:
    """The day by whose end the client has to pay; `made_on` is their day on which they were told."""
    return made_on + timedelta(days=offer.within)
