"""The amount a person typed into the pay page. Read as people write it: 120.50, 120,50, 1 200, 1.200,50."""

from __future__ import annotations

import re

from engine.money import BadAmount, Money, exponent, money

WHOLE = r"(?P<whole>\d{1,12}|[1-9]\d{0,2}(?:(?P<mark>[ .,'])\d{3})(?:(?P=mark)\d{3})*)"


def typed_amount(text: str, currency: str) -> Money:
    """The positive sum that was meant. Three digits behind one mark are thousands, as in talks, unless the currency
    has three decimals. Raises BadAmount.
    """
    plain = re.sub(rf"\s*{currency}$", "", " ".join(text.split()), flags=re.IGNORECASE)
    decimals = max(exponent(currency), 2)
    found = re.fullmatch(rf"{WHOLE}(?:(?!(?P=mark))[.,](?P<rest>\d{{1,{decimals}}}))?", plain, re.ASCII)
    if found is None:
        raise BadAmount(f"'{text}' is not an amount")
    amount = money(re.sub(r"\D", "", found["whole"]) + "." + (found["rest"] or "0"), currency)
    if amount.minor <= 0:
        raise BadAmount("the amount is zero")
    return amount
