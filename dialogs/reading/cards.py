"""Card numbers, which people send although nobody asked: masked before anything is kept."""

from __future__ import annotations

import re

NUMBER = re.compile(r"(?<![\w@.=/+-])\d(?:[ -]?\d){12,18}(?![\w@=/-])")
"""13 to 19 digits, perhaps in groups (ISO/IEC 7812); not inside of an address, an identifier or a longer number."""
SHOWN = 4


def masked(text: str) -> str:
    """The text with all but the last four digits of each card number replaced; other long numbers stay."""
    return NUMBER.sub(_mask, text)


def _mask(found: re.Match[str]) -> str:
    digits = [char for char in found[0] if char.isdigit()]
    if not _is_card(digits):
        return found[0]
    hidden = len(digits) - SHOWN
    return "*" * hidden + "".join(digits[hidden:])


def _is_card(digits: list[str]) -> bool:
    """The check digit of Luhn: every second digit from the right counts twice, its digits added."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 * (value > 9)
    return total % 10 == 0 and len(set(digits)) > 1
