"""What an intent is judged by: the words of a reply, the languages they may be of, and the values named."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from dialogs.reading.concepts import KIN, Row, kin
from dialogs.reading.reading import LANGUAGES, Asked, Intent, Named
from dialogs.reading.skeleton import normalise, words
from dialogs.reading.values import values
from dialogs.reading.vocabulary import vocabulary
from dialogs.reading.word_rules import PlainWords, plain_words

SHORT = 40
"""Letters in which a picture may be what is said."""
LEARNED_ON = date(2026, 3, 11)
"""The day on which all examples are read: any day would do, but it must stay the same."""


@dataclass(frozen=True, slots=True)
class Traits:
    """A reply or a clause of one, ready to be judged. `kins` are the tables of concepts to look words up in."""

    tokens: Row
    kins: tuple[str, ...]
    slots: tuple[str, ...]


def traits(text: str, language: str, kins: tuple[str, ...]) -> Traits:
    """The traits of an example, as if it were said on LEARNED_ON with nothing asked."""
    plain = normalise(text)
    row = words(plain) + " "
    named = values(plain, row, language, LANGUAGES, LEARNED_ON, Asked.NOTHING, past=False)
    known = (vocabulary(language), *(vocabulary(code) for code in LANGUAGES if code != language))
    return Traits(tuple(row.split()), kins, slots(plain, row, named, plain_words(plain, row, known, kins), LEARNED_ON))


def slots(plain: str, row: str, named: Named, said: PlainWords, today: date) -> tuple[str, ...]:
    """Names of what a reply holds beside its words."""
    present = {
        "ahead": any(day.date >= today for day in named.dates),
        "past": any(day.date < today for day in named.dates),
        "days": len(named.dates) > 1,
        "amount": bool(named.amounts),
        "amounts": len(named.amounts) > 1,
        "count": named.count is not None,
        "share": named.fraction is not None or named.percent is not None,
        "periodic": named.periodic is not None,
        "full": named.full,
        "yes": said.answer is True,
        "no": said.answer is False,
        "asks": "?" in plain,
        "shouts": "!" in plain,
        "digits": any(char.isdigit() for char in plain),
        "sign": not row.strip() and bool(plain),
        "unpaid": Intent.ALREADY_PAID in said.never,
        "refused": Intent.PROMISE_TO_PAY in said.never,
    }
    return (*(name for name, is_there in present.items() if is_there), *_pictures(plain))


def _pictures(plain: str) -> list[str]:
    """Each emoji of a reply once, of thumbs and hearts alone."""
    return sorted({char for char in set(plain[:SHORT]) if unicodedata.category(char) == "So"})


def kins_of(text: str, languages: Iterable[str]) -> tuple[str, ...]:
    """The tables of concepts for a text: Cyrillic's where it has such letters, those of `languages` for Latin ones."""
    plain = text.lower()
    latin = {kin(language) for language in languages} if any("a" <= char <= "z" for char in plain) else set[str]()
    cyrillic = {KIN} if any("а" <= char <= "ӿ" for char in plain) else set[str]()
    return tuple(sorted(latin | cyrillic))
