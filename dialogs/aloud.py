"""Values for the ear: days by words, sums in whole and small money, numbers digit by digit, hours as one says them.

Voices read digits by guesses that differ with the vendor: "15 мая" as a plain number, "1 240" as two, "9:00–18:00" as a
sum. What a language says by words is in its `format.yaml`; what that leaves out stays in digits.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from babel import Locale
from babel.dates import format_date
from babel.numbers import format_decimal, get_currency_name

from engine.money import Money

HOURS = re.compile(r"\b(\d{1,2}):00\s*[-–—]\s*(\d{1,2}):00\b")
CENTS = 2
"""Digits after the point of currencies that have small money of their own."""
DIGIT = re.compile(r"(?<=\d)(?=\d)")
GAP = re.compile(r"\s*[^\w\s]+\s*|(?<=\d)\s+(?=\d)")

Plural = Mapping[str, str]
"""Forms of a word by CLDR's names of plural categories."""


@dataclass(frozen=True, slots=True)
class Aloud:
    """How a language says values. `days` are those of the month from the first, in the form that dates need, `clock`
    the hours from 0 to 24 as they stand in `hours`; `money` and `cents` are what a sum is counted in, by currency.
    """

    day: str
    year: str
    days: tuple[str, ...]
    hours: str
    clock: tuple[str, ...]
    money: Mapping[str, Plural]
    cents: Mapping[str, Plural]


def spoken_money(amount: Money, language: str, aloud: Aloud) -> str:
    """A sum with the words in the form their number wants: 1240 hryvnias 50 kopecks."""
    major = Decimal(amount.major)
    small = aloud.cents.get(amount.currency)
    if major == major.to_integral_value() or small is None or -int(major.as_tuple().exponent) != CENTS:
        return _counted(major, amount.currency, language, aloud)
    whole, part = divmod(amount.minor, 10**CENTS)
    parts = [_counted(Decimal(whole), amount.currency, language, aloud)] if whole else []
    return " ".join([*parts, f"{part} {_form(small, part, language)}"])


def spoken_date(day: date, today: date, language: str, aloud: Aloud) -> str:
    """The day of the month by its word, with the year where that is not this one."""
    # Not every language has its months in the form for dates but beside a day.
    month = format_date(day, "d MMMM", locale=language).partition(" ")[2]
    said = aloud.day.format(day=aloud.days[day.day - 1], month=month)
    return said if day.year == today.year else aloud.year.format(day=said, year=day.year)


def spoken_hours(text: str, aloud: Aloud) -> str:
    """Spans of whole hours, as 9:00–18:00, by words; all else as it is."""

    def said(found: re.Match[str]) -> str:
        begin, end = int(found[1]), int(found[2])
        if max(begin, end) >= len(aloud.clock):
            return found[0]
        return aloud.hours.format(**{"from": aloud.clock[begin], "until": aloud.clock[end]})

    return HOURS.sub(said, text)


def spoken_number(text: str) -> str:
    """A number of an account or telephone, digit by digit, with a pause where it has a mark or a space."""
    return DIGIT.sub(" ", GAP.sub(", ", text).strip(" ,"))


def _counted(major: Decimal, currency: str, language: str, aloud: Aloud) -> str:
    number = int(major) if major == major.to_integral_value() else major
    own = aloud.money.get(currency)
    name = _form(own, number, language) if own else get_currency_name(currency, count=number, locale=language)
    return f"{format_decimal(number, locale=language, group_separator=False)} {name}"


def _form(forms: Plural, number: int | Decimal, language: str) -> str:
    """The form for a number; one without a form of its own, as for a fraction, takes the last."""
    return forms.get(Locale.parse(language).plural_form(number)) or [*forms.values()][-1]
