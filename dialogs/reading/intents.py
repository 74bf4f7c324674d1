"""What a reply wants, by patterns: the best of each clause, then the most binding of the clauses."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from dialogs.reading.reading import Intent
from dialogs.reading.skeleton import words
from dialogs.reading.vocabulary import Vocabulary

CLAUSE = re.compile(r"(?<!\d)[.,](?!\d)|[;!?]|\b(?:but|dar|но|але|so|așa că|поэтому|тому)\b|(?<=\D)[.,]|[.,](?=\s)")
WHOLE_REPLY = 4
"""Words up to which a yes or a no is the whole reply and not its opening."""
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
        found = sorted(_all(row, words_of, hints), key=lambda wish: (-wish.weight, ORDER.index(wish.intent)))
        if found:
            return tuple(wish for wish in found[:2] if wish.weight == found[0].weight)
    return ()


def _all(row: str, known: Vocabulary, hints: dict[Intent, float]) -> Iterator[Wish]:
    for intent, patterns in known.intents.items():
        hits = [pattern for pattern in patterns if pattern.regex.search(row)]
        if hits:
            heaviest = max(hits, key=lambda pattern: pattern.weight)
            yield Wish(intent, heaviest.weight + hints.get(intent, 0), f"{intent}: {heaviest.source}")


def answer(row: str, known: tuple[Vocabulary, ...]) -> bool | None:
    """The yes or no that the words begin with."""
    for words_of in known:
        for value, patterns in ((False, words_of.no), (True, words_of.yes)):
            if any(pattern.regex.match(row) for pattern in patterns):
                return value
    return None


def is_hard_opt_out(text: str, known: tuple[Vocabulary, ...]) -> bool:
    """Whether the whole message, or its first word set off by punctuation, is an opt-out word of any language."""
    stops = frozenset[str]().union(*(words_of.opt_out for words_of in known))
    row = words(text)
    lead = words(re.split(r"[.,;:!?\n]", text.strip(), maxsplit=1)[0])
    return row in stops or lead in stops
