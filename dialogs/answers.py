"""The typed value a reply gives to a question, or why it gives none that can be used."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from dialogs.conditions import limit
from dialogs.facts import OFFERS, PAYABLE, Facts
from dialogs.flow import VALUED, Ask, AskKind, Problem
from dialogs.message import Value
from dialogs.reading.reading import Asked, Intent, Reading, Sum
from dialogs.state import Slot
from engine.money import BadAmount, Money, money

MENU_NUMBER = re.compile(r"\s*(\d{1,2})\s*[.)]?\s*")
FEWEST_PARTS = 2
FEWEST_WORDS = 3
"""Words from which a complaint is a reason by itself; fewer are asked about."""
LONGEST_REASON = 500
MOST_WORDS = 6
"""Words up to which a day, or a number of parts, is the whole reply: at the end of this month."""
UNSAID = (Intent.OTHER, Intent.AFFIRM, Intent.DENY, Intent.THANKS)

ASKED = {
    AskKind.PROMISE_DATE: Asked.DATE,
    AskKind.AMOUNT: Asked.AMOUNT,
    AskKind.COUNT: Asked.COUNT,
    AskKind.YES_NO: Asked.CONFIRM,
}
LEI = ("RON", "MDL")


def picked(text: str, offered: tuple[str, ...]) -> str:
    """The option whose number was typed or pressed alone, or nothing."""
    found = MENU_NUMBER.fullmatch(text)
    place = int(found[1]) if found else 0
    return offered[place - 1] if 1 <= place <= len(offered) else ""


def value(
    ask: Ask, reading: Reading, facts: Facts, bound: Mapping[str, Value], *, asked: bool, matter: str
) -> Slot | Problem | None:
    """What the reply says to a question; None where it says nothing to it. `bound` are the values of the talk, which
    is about `matter`.

    `asked` is false where the question has not been put yet: then only what is said of its own accord counts.
    """
    given: Slot | Problem | None
    match ask.kind:
        case AskKind.PROMISE_DATE:
            given = _day(reading, facts, matter)
        case AskKind.COUNT:
            given = _count(reading, facts, ask)
        case AskKind.AMOUNT:
            given = _amount(reading, facts, _limit(ask.most, ask, facts, bound))
        case AskKind.TEXT:
            said = " ".join(reading.said[:LONGEST_REASON].split())
            wordy = len(said.split()) >= FEWEST_WORDS
            paid = reading.intent == Intent.ALREADY_PAID and bool(reading.dates or reading.amounts)
            return said if said and (asked or (wordy and (paid or reading.intent == Intent.DISPUTE))) else None
        case _:
            return None
    return given if given is None or isinstance(given, Problem) else _bounded(given, ask, facts, bound)


def _bounded(given: Any, ask: Ask, facts: Facts, bound: Mapping[str, Value]) -> Slot | Problem:
    """The value if it is within the limits of its question; a limit that is not known now is none."""
    least, most = _limit(ask.least, ask, facts, bound), _limit(ask.most, ask, facts, bound)
    if least is not None and given < least:
        return Problem.BELOW
    return Problem.BEYOND if most is not None and most < given else given


def _limit(text: str, ask: Ask, facts: Facts, bound: Mapping[str, Value]) -> Any:
    """A limit of the question's type; None where it has none, or in another currency than the debt's."""
    found = limit(text, VALUED[ask.kind][0], facts, bound) if text else None
    foreign = isinstance(found, Money) and found.currency != facts.amount_due.currency
    return None if foreign else found


def refused(day: date, facts: Facts, matter: str) -> Problem | None:
    """Why no promise can be made for the day, in a talk about that matter."""
    if day < facts.today:
        return Problem.PAST
    return Problem.BEYOND if day > latest(facts, matter) else None


def latest(facts: Facts, matter: str) -> date:
    """The last day a promise may name; one that takes an offer names none beyond it."""
    furthest = facts.today + timedelta(days=facts.promise_days)
    offer = facts.due(matter) if matter in OFFERS else None
    return min(offer.day, furthest) if offer else furthest


def promisable(facts: Facts, matter: str) -> Money | None:
    """All that a day can be named for: what the talk is about, or what is due, or else what is promised already."""
    due = facts.due(matter) if matter in PAYABLE else None
    return due.amount if due else facts.amount_due or facts.promised or None


def in_time(day: date, facts: Facts, matter: str) -> bool:
    """Whether the day is no later than what the talk is about asks for: then there is nothing to agree on."""
    due = facts.due(matter) if matter in PAYABLE else None
    return due is not None and day <= due.day


def bare_day(reading: Reading, facts: Facts) -> bool:
    """Whether the reply is little more than a day to come, unasked: that is a wish to pay on it."""
    short = len(reading.text.split()) <= MOST_WORDS
    wish = reading.intent in (*UNSAID, Intent.PROMISE_TO_PAY)
    return short and wish and any(day.date >= facts.today for day in reading.dates)


def other_day(reading: Reading, facts: Facts) -> bool:
    """Whether the reply, after a promise was made, is a day to come and no promise of its own: another for that one."""
    alone = len(reading.text.split()) < FEWEST_WORDS
    return bare_day(reading, facts) and (alone or reading.intent in UNSAID)


def bare_count(reading: Reading) -> bool:
    """Whether the reply is little more than a number of parts, unasked: that is a wish to pay in so many."""
    return len(reading.text.split()) <= MOST_WORDS and reading.intent in UNSAID and reading.count is not None


def promised(reading: Reading, facts: Facts, matter: str) -> Money | None:
    """A single sum that was named, in the currency of the debt; None where none was. At most all that can be promised,
    and no less than an offer asks for.

    It is read back before it counts.
    """
    whole = promisable(facts, matter)
    if whole is None or len(reading.amounts) != 1:
        return None
    amount = _in_currency(reading.amounts[0], whole.currency)
    if amount is None or matter in OFFERS:
        return amount and whole
    return min(amount, max(whole, facts.amount_due))


def _in_currency(named: Sum, currency: str) -> Money | None:
    """A sum as money of that currency; None where it is in another, or none that it has."""
    if named.currency not in {"", currency} and not (named.currency == "LEI" and currency in LEI):
        return None
    try:
        return money(named.value, currency)
    except BadAmount:
        return None


def _day(reading: Reading, facts: Facts, matter: str) -> date | Problem | None:
    if not reading.dates:
        return None
    days = {day.date for day in reading.dates}
    ahead = {day for day in days if day >= facts.today} or days
    if len(ahead) > 1:
        return Problem.UNCLEAR
    day = ahead.pop()
    return refused(day, facts, matter) or day


def _count(reading: Reading, facts: Facts, ask: Ask) -> int | Problem | None:
    """A number of parts, unless the question has limits of its own."""
    if reading.count is None:
        return None
    if reading.count > facts.parts and not ask.most:
        return Problem.BEYOND
    return reading.count if reading.count >= FEWEST_PARTS or ask.least else Problem.UNCLEAR


def _amount(reading: Reading, facts: Facts, whole: Money | None) -> Money | Problem | None:
    """A single sum in the currency of the debt; all of it, or a share, where there is a `max` to be all."""
    if whole is not None and reading.full:
        return whole
    if whole is not None and reading.fraction is not None and not reading.amounts:
        return Money(int(whole.minor * reading.fraction), whole.currency)
    if not reading.amounts:
        return None
    amount = None if len(reading.amounts) > 1 else _in_currency(reading.amounts[0], facts.amount_due.currency)
    return amount if amount and amount.minor > 0 else Problem.UNCLEAR
