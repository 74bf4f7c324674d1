"""The typed value a reply gives to a question, or why it gives none that can be used."""

from __future__ import annotations

import re
from datetime import date, timedelta

from dialogs.facts import Facts
from dialogs.flow import AskKind, Problem
from dialogs.reading.reading import Asked, Intent, Reading
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

ASKED = {AskKind.PROMISE_DATE: Asked.DATE, AskKind.COUNT: Asked.COUNT, AskKind.YES_NO: Asked.CONFIRM}
LEI = ("RON", "MDL")


def picked(text: str, offered: tuple[str, ...]) -> str:
    """The option whose number was typed or pressed alone, or nothing."""
    found = MENU_NUMBER.fullmatch(text)
    place = int(found[1]) if found else 0
    return offered[place - 1] if 1 <= place <= len(offered) else ""


def value(kind: AskKind, reading: Reading, facts: Facts, *, asked: bool) -> Slot | Problem | None:
    """What the reply says to a question of that kind; None where it says nothing to it.

    `asked` is false where the question has not been put yet: then only what is said of its own accord counts.
    """
    if kind == AskKind.PROMISE_DATE:
        return _day(reading, facts)
    if kind == AskKind.COUNT:
        return _count(reading, facts)
    if kind == AskKind.TEXT:
        said = " ".join(reading.said[:LONGEST_REASON].split())
        wordy = len(said.split()) >= FEWEST_WORDS
        return said if said and (asked or (wordy and reading.intent == Intent.DISPUTE)) else None
    return None


def refused(day: date, facts: Facts) -> Problem | None:
    """Why no promise can be made for the day."""
    if day < facts.today:
        return Problem.PAST
    return Problem.BEYOND if day > latest(facts) else None


def latest(facts: Facts) -> date:
    """The last day a promise may name."""
    return facts.today + timedelta(days=facts.promise_days)


def promisable(facts: Facts, matter: str) -> Money | None:
    """All that a day can be named for: what the talk is about, or what is due, or else what is promised already."""
    due = facts.due(matter)
    return due.amount if due else facts.amount_due or facts.promised or None


def in_time(day: date, facts: Facts, matter: str) -> bool:
    """Whether the day is no later than what the talk is about asks for: then there is nothing to agree on."""
    due = facts.due(matter)
    return due is not None and day <= due.day


def bare_day(reading: Reading, facts: Facts) -> bool:
    """Whether the reply is little more than a day to come, unasked: that is a wish to pay on it."""
    short = len(reading.text.split()) <= MOST_WORDS
    return short and reading.intent in UNSAID and any(day.date >= facts.today for day in reading.dates)


def bare_count(reading: Reading) -> bool:
    """Whether the reply is little more than a number of parts, unasked: that is a wish to pay in so many."""
    return len(reading.text.split()) <= MOST_WORDS and reading.intent in UNSAID and reading.count is not None


def promised(reading: Reading, facts: Facts, matter: str) -> Money | None:
    """A single sum that was named, in the currency of the debt; None where none was. At most all that can be promised.

    It is read back before it counts.
    """
    whole = promisable(facts, matter)
    if whole is None or len(reading.amounts) != 1:
        return None
    named = reading.amounts[0]
    currency = whole.currency
    if named.currency not in {"", currency} and not (named.currency == "LEI" and currency in LEI):
        return None
    try:
        amount = money(named.value, currency)
    except BadAmount:
        return None
    return min(amount, max(whole, facts.amount_due))


def _day(reading: Reading, facts: Facts) -> date | Problem | None:
    if not reading.dates:
        return None
    days = {day.date for day in reading.dates}
    ahead = {day for day in days if day >= facts.today} or days
    if len(ahead) > 1:
        return Problem.UNCLEAR
    day = ahead.pop()
    return refused(day, facts) or day


def _count(reading: Reading, facts: Facts) -> int | Problem | None:
    if reading.count is None:
        return None
    if reading.count > facts.parts:
        return Problem.BEYOND
    return reading.count if reading.count >= FEWEST_PARTS else Problem.UNCLEAR
