"""Sums of money and counts of parts in a reply. Numbers are read as people type them, never by locale rules."""

from __future__ import annotations

import re
from decimal import Decimal

from dialogs.reading.dates import ISO, NUMERIC
from dialogs.reading.reading import Sum
from dialogs.reading.skeleton import skeleton, words
from dialogs.reading.vocabulary import Vocabulary

SIGNS = {"$": "USD", "€": "EUR", "₴": "UAH", "₽": "RUB", "£": "GBP"}
NUMBER = r"\d{1,3}(?:[ .,]\d{3})+(?:[.,]\d{1,2})?|\d+(?:[.,]\d{1,2})?"
MONEY = re.compile(
    rf"(?P<sign>[$€₴₽£]?)\s?(?<![\d.,:/-])(?P<number>{NUMBER})(?![\d:%]|[.,:/-]\d)\s?(?P<after>[$€₴₽£]|[a-z]*)"
)
NO_MONEY = re.compile(r"\d{1,2}:\d{2}|\+?\d[\d -]{7,}\d|\d{7,}|\d+\s*%")
TIME_OR_DATE = (ISO, re.compile(r"(?<![\d.,:/-])\d{1,2}[./]\d{1,2}[./]\d{2,4}(?!\d)"), NO_MONEY)
SMALLEST_BARE = 32
"""A number below it with no currency beside it may be a day of the month, children, parts."""


def sums(text: str, known: Vocabulary, *, asked: bool) -> tuple[Sum, ...]:
    """All amounts of a normalised text; `asked` when the bot has just asked for an amount."""
    for shape in TIME_OR_DATE:
        text = shape.sub(" § ", text)
    text = NUMERIC.sub(lambda found: found[0] if found[2] == "-" or len(found[3]) == 1 else " § ", text)
    row = skeleton(text)
    for pattern in known.not_money:
        row = pattern.regex.sub("§ ", row + " ")
    return tuple(found for hit in MONEY.finditer(row) if (found := _sum(hit, known, asked=asked)))


def _sum(hit: re.Match[str], known: Vocabulary, *, asked: bool) -> Sum | None:
    value = _value(hit["number"])
    after = hit["after"]
    if after in known.thousands:
        value, after = value * 1000, (words(hit.string[hit.end() :]).split() or [""])[0]
    currency = SIGNS.get(hit["sign"]) or SIGNS.get(after) or known.currencies.get(after, "")
    bare = not currency and hit["after"] not in known.thousands
    if bare and not asked and value < SMALLEST_BARE:
        return None
    return Sum(value, currency) if value > 0 else None


def _value(number: str) -> Decimal:
    """1.500 is fifteen hundred, 1.50 one and a half: three digits behind one mark are thousands."""
    number = number.replace(" ", "")
    head, mark, tail = number.rpartition("." if number.rfind(".") > number.rfind(",") else ",")
    if not mark or len(tail) == 3:
        return Decimal(re.sub(r"[.,]", "", number))
    return Decimal(re.sub(r"[.,]", "", head) + "." + tail)


def parts(row: str, known: Vocabulary, *, asked: bool) -> int | None:
    """Into how many parts; `row` is the words of the reply. A bare number counts only where a count was asked."""
    for pattern in known.counts:
        hit = pattern.regex.search(row)
        if hit:
            return _number(hit["n"], known)
    if not asked:
        return None
    numbers = [_number(word, known) for word in row.split() if word in known.numbers or re.fullmatch(r"\d{1,3}", word)]
    return numbers[0] if len(numbers) == 1 else None


def _number(text: str, known: Vocabulary) -> int:
    return int(text) if text.isdigit() else known.numbers[text]
