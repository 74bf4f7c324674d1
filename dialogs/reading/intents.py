"""What a reply wants, by patterns: the best of each clause, then the most binding of the clauses."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from dialogs.reading.language import CYRILLIC
from dialogs.reading.reading import Intent
from dialogs.reading.skeleton import words
from dialogs.reading.vocabulary import Vocabulary

CLAUSE = re.compile(r"(?<!\d)[.,](?!\d)|[;!?]|\b(?:but|dar|но|але|so|așa că|поэтому|тому)\b|(?<=\D)[.,]|[.,](?=\s)")
WHOLE_REPLY = 4
"""Words up to which a yes or a no is the whole reply and not its opening."""
NO_SIGN = re.compile("[\\s.!\ufe0f\U0001f3fb-\U0001f3ff]")
"""What may stand around a sign: spaces, stress, and the variants of an emoji."""
ORDER = tuple(Intent)
NEVER_IN_CLAUSES = 600
"""Characters beyond which a text is not cut into clauses: it is a letter, not a reply."""


@dataclass(frozen=True, slots=True)
class Wish:
    """An intent with its evidence: `weight` is the number of words that spoke for it, `clause` where they stood."""

    intent: Intent
    weight: float
    why: str
    clause: int = 0


def wishes(text: str, known: tuple[Vocabulary, ...], hints: dict[Intent, float]) -> tuple[Wish, ...]:
    """All intents of a normalised text, the one to act on first. `hints` add weight where values speak for it."""
    clauses = CLAUSE.split(text[:NEVER_IN_CLAUSES]) if len(text) <= NEVER_IN_CLAUSES else [text]
    best: dict[Intent, Wish] = {}
    for place, clause in enumerate(clauses):
        for found in _best_of(words(clause) + " ", known, hints):
            wish = replace(found, clause=place)
            if wish.intent not in best or best[wish.intent].weight < wish.weight:
                best[wish.intent] = wish
    whole = _best_of(words(text) + " ", known, hints)
    for wish in whole:
        if not best:
            best[wish.intent] = wish
    return tuple(sorted(best.values(), key=lambda wish: ORDER.index(wish.intent)))


def _best_of(row: str, known: tuple[Vocabulary, ...], hints: dict[Intent, float]) -> tuple[Wish, ...]:
    """The wish of one clause; two where they weigh the same."""
    for words_of in known:
        found = sorted(_all(row, known, words_of, hints), key=lambda wish: (-wish.weight, ORDER.index(wish.intent)))
        if found:
            return tuple(wish for wish in found[:2] if wish.weight == found[0].weight)
    return ()


def _all(row: str, known: tuple[Vocabulary, ...], words_of: Vocabulary, hints: dict[Intent, float]) -> Iterator[Wish]:
    for intent, patterns in words_of.intents.items():
        meant = _meant(row, known, intent)
        hits = [pattern for pattern in patterns if pattern.regex.search(meant)]
        if hits:
            heaviest = max(hits, key=lambda pattern: pattern.weight)
            yield Wish(intent, heaviest.weight + hints.get(intent, 0), f"{intent}: {heaviest.source}")


def _meant(row: str, known: tuple[Vocabulary, ...], intent: Intent) -> str:
    """The row without the words that deny the intent, in any language: people mix them."""
    for words_of in known:
        for pattern in words_of.not_meant.get(intent, ()):
            row = pattern.regex.sub("§ ", row)
    return row


def is_refused(text: str, known: tuple[Vocabulary, ...]) -> bool:
    """Whether a normalised text says that no payment will be made: the days it names are then not promised."""
    row = words(text) + " "
    return _meant(row, known, Intent.PROMISE_TO_PAY) != row


def answer(row: str, known: tuple[Vocabulary, ...]) -> bool | None:
    """The yes or no that the words begin with. A yes with a no behind it is neither."""
    row = _meant(row, known, Intent.DENY)
    for words_of in known:
        if any(pattern.regex.match(row) for pattern in words_of.no):
            return False
        ends = [hit.end() for pattern in words_of.yes if (hit := pattern.regex.match(row))]
        if ends:
            return None if _taken_back(row[max(ends) :], known) else True
    return None


def _taken_back(rest: str, known: tuple[Vocabulary, ...]) -> bool:
    """A no right behind the yes, behind one word more (but, wait), or at the very end.

    In a talk in Cyrillic letters, only their words count: the Russian «ну» looks like the Romanian no.
    """
    if known[0].language in CYRILLIC:
        known = tuple(words_of for words_of in known if words_of.language in CYRILLIC)
    after = rest.split()
    tails = {" ".join(after[place:]) + " " for place in (0, 1, len(after) - 1) if 0 <= place < len(after)}
    return any(pattern.regex.match(tail) for tail in tails for words_of in known for pattern in words_of.no)


def is_thanks(row: str, known: tuple[Vocabulary, ...]) -> bool:
    """Whether a short reply thanks."""
    short = len(row.split()) <= WHOLE_REPLY
    return short and any(pattern.regex.search(row) for words_of in known for pattern in words_of.thanks)


def is_sign_of_yes(text: str, known: tuple[Vocabulary, ...]) -> bool:
    """Whether the whole reply is a sign such as y, + or a thumb up, however often and in whatever skin tone."""
    signs = frozenset[str]().union(*(words_of.agree for words_of in known))
    sign = NO_SIGN.sub("", text)
    return sign in signs or (len(set(sign)) == 1 and sign[0] in signs)


def is_hard_opt_out(text: str, known: tuple[Vocabulary, ...]) -> bool:
    """Whether the whole message, or its first word set off by punctuation, is an opt-out word of any language."""
    stops = frozenset[str]().union(*(words_of.opt_out for words_of in known))
    row = words(text)
    lead = words(re.split(r"[.,;:!?\n]", text.strip(), maxsplit=1)[0])
    return row in stops or lead in stops
