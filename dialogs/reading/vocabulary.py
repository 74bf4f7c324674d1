"""The words of one language for understanding, from `locales/<lang>/reading.yaml`, compiled once.

A pattern is a row of words: `stem*` any ending, `a|b` either, `a_b` two words as one, `..` up to three words between,
`<n>` a number, `<digits>` any digits, `<day>` `<ordinal>` `<month>` `<weekday>` `<unit>` what their names say (an
ordinal is a day in words). Letters are compared by skeleton.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

from dialogs.reading.reading import Intent
from dialogs.reading.skeleton import words

LOCALES = Path(__file__).parents[2] / "locales"
ENDINGS = "th|st|nd|rd| ?go| ?e"
GAP = r"(?:\S+ ){0,3}?"


@dataclass(frozen=True, slots=True)
class Pattern:
    """A compiled row of words; longer rows weigh more."""

    regex: re.Pattern[str]
    weight: int
    source: str


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """One language's words. Numbers, months (1-12), weekdays (0-6, Monday first) and units are keyed by skeleton.

    `not_meant` are words that deny an intent instead of speaking for it: have not paid, cannot pay. `agree` are signs
    that are a yes where they are the whole reply to a question of yes or no; `thanks` count in a short reply only.
    """

    language: str
    letters: frozenset[str]
    common: frozenset[str]
    choose: tuple[Pattern, ...]
    opt_out: frozenset[str]
    yes: tuple[Pattern, ...]
    no: tuple[Pattern, ...]
    agree: frozenset[str]
    thanks: tuple[Pattern, ...]
    intents: Mapping[Intent, tuple[Pattern, ...]]
    not_meant: Mapping[Intent, tuple[Pattern, ...]]
    dates: tuple[tuple[str, Pattern], ...]
    counts: tuple[Pattern, ...]
    not_money: tuple[Pattern, ...]
    not_dates: tuple[Pattern, ...]
    past: tuple[Pattern, ...]
    ranges: tuple[Pattern, ...]
    numbers: Mapping[str, int]
    days: Mapping[str, int]
    months: Mapping[str, int]
    weekdays: Mapping[str, int]
    units: Mapping[str, str]
    currencies: Mapping[str, str]
    thousands: frozenset[str]


@cache
def vocabulary(language: str) -> Vocabulary:
    """The words of a language of the product."""
    data = yaml.load((LOCALES / language / "reading.yaml").read_text(encoding="utf-8"), yaml.BaseLoader)  # noqa: S506 texts only
    dates = data["dates"]
    named = {
        "n": _ranked(data["numbers"]),
        "day": _ranked(dates["ordinals"]),
        "month": _ranked(dates["months"]),
        "weekday": _ranked(dates["weekdays"], start=0),
        "unit": {words(word): unit for unit, forms in dates["units"].items() for word in forms},
    }
    slots = {slot: _group(slot, known) for slot, known in named.items()}
    slots |= {"ordinal": _spelled("day", named["day"]), "digits": "[0-9]+"}

    def rows(source: Iterable[str]) -> tuple[Pattern, ...]:
        return tuple(_compile(row, slots) for row in source)

    return Vocabulary(
        language=language,
        letters=frozenset(data["letters"]),
        common=frozenset(words(word) for word in data["common"]),
        choose=rows(data["choose"]),
        opt_out=frozenset(words(word) for word in data["opt_out"]),
        yes=rows(data["yes"]),
        no=rows(data["no"]),
        agree=frozenset(data["agree"]),
        thanks=rows(data["thanks"]),
        intents={Intent(name): rows(source) for name, source in data["intents"].items()},
        not_meant={Intent(name): rows(source) for name, source in data["not_meant"].items()},
        dates=tuple((rule, pattern) for rule, source in dates["rules"].items() for pattern in rows(source)),
        counts=rows(data["counts"]),
        not_money=rows(data["not_money"]),
        not_dates=rows(dates["not"]),
        past=rows(dates["past"]),
        ranges=rows(dates["ranges"]),
        numbers={word: int(value) for word, value in named["n"].items()},
        days={word: int(value) for word, value in named["day"].items()},
        months={word: int(value) for word, value in named["month"].items()},
        weekdays={word: int(value) for word, value in named["weekday"].items()},
        units={word: str(unit) for word, unit in named["unit"].items()},
        currencies={words(word): code for code, forms in data["currencies"].items() for word in forms},
        thousands=frozenset(words(word) for word in data["thousands"]),
    )


def _ranked(rows: Iterable[Iterable[str]], start: int = 1) -> dict[str, int | str]:
    return {words(word): place for place, row in enumerate(rows, start) for word in row}


def _group(slot: str, known: Mapping[str, int | str]) -> str:
    """A named group for a slot; numbers and days of the month may be digits as well, with or without an ending."""
    if slot == "day":
        return rf"(?P<day>[0-9]{{1,2}}|{_forms(known)})(?:{ENDINGS})?"
    if slot == "n":
        return rf"(?P<n>[0-9]{{1,2}}|{_forms(known)})"
    return _spelled(slot, known)


def _spelled(slot: str, known: Mapping[str, int | str]) -> str:
    return rf"(?P<{slot}>{_forms(known)})"


def _forms(known: Mapping[str, int | str]) -> str:
    """Longest first, so that twenty five is not twenty."""
    return "|".join(sorted(map(re.escape, known), key=len, reverse=True))


def _compile(source: str, slots: Mapping[str, str]) -> Pattern:
    parts, weight = [], 0
    for word in source.split():
        if word == "..":
            parts.append(GAP)
            continue
        weight += 1
        if word.startswith("<"):
            parts.append(slots[word.strip("<>")] + " ")
        else:
            parts.append("(?:" + "|".join(_stem(form) for form in word.split("|")) + ") ")
    return Pattern(re.compile(r"(?<!\S)" + "".join(parts)), weight, source)


def _stem(form: str) -> str:
    return re.escape(words(form.replace("_", " "))) + ("[a-z]*" if form.endswith("*") else "")
