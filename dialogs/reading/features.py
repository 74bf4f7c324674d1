"""What of a reply the intents are learned from: words, word pairs, letters in a row, concepts, and the values named."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

from dialogs.reading.concepts import Concepts, Row

GRAMS = (3, 4, 5)
MOST_CONCEPTS = 14
"""Concepts of one reply that are paired with one another; more make a letter, not a reply."""
MOST_WORDS = 60
"""Words of a reply that its intent is read from."""
SHORT = 3
LENGTHS = (1, 2, 4, 7, 12, 20)
UNKNOWN_WORDS = 4
"""Words of a reply for which a slip of the pen is looked for."""
SHORTEST_REPAIRED = 5
HELD = re.compile(r"([a-z])\1+")
MOODS = frozenset({"asks", "shouts", "ahead", "past", "amount", "count", "periodic", "digits"})
"""What beside the words changes what concepts mean: asked, shouted, of a day, of a sum."""
ALPHABET = "abcdefghijklmnopqrstuvwxyz"


def features(tokens: Row, concepts: Concepts, kins: Iterable[str], slots: Sequence[str]) -> list[str]:
    """The features of a reply, none twice. `tokens` are its words by skeleton, `slots` names of values found in it."""
    tokens = tokens[:MOST_WORDS]
    rows = concepts.found(tokens, kins)
    return list(
        dict.fromkeys(
            [
                *_of_words(tokens),
                *_of_letters(tokens),
                *_of_concepts(rows),
                *(f"e:{slot}" for slot in slots),
                *_of_moods(rows, slots),
            ]
        )
    )


def _of_words(tokens: Row) -> Iterable[str]:
    for token in tokens:
        yield "w:" + token
    for first, second in zip(("^", *tokens), (*tokens, "$"), strict=True):
        yield f"b:{first} {second}"
    if len(tokens) <= SHORT:
        yield "t:" + " ".join(tokens)
    yield f"l:{sum(len(tokens) > length for length in LENGTHS)}"


def _of_letters(tokens: Row) -> Iterable[str]:
    for token in tokens:
        yield from _letters(token)


@lru_cache(maxsize=20_000)
def _letters(token: str) -> Row:
    padded = f" {token} "
    return tuple(f"c:{padded[start : start + size]}" for size in GRAMS for start in range(len(padded) - size + 1))


def _of_concepts(rows: list[list[str]]) -> Iterable[str]:
    said = [row for row in rows if row]
    for row in said:
        for concept in row:
            yield "k:" + concept
    for before, after in zip([["^"], *said], [*said, ["$"]], strict=True):
        for first in before:
            for second in after:
                yield f"o:{first}>{second}"
    once = sorted({concept for row in said for concept in row})[:MOST_CONCEPTS]
    for place, first in enumerate(once):
        for second in once[place + 1 :]:
            yield f"p:{first}&{second}"


def _of_moods(rows: list[list[str]], slots: Iterable[str]) -> Iterable[str]:
    moods = [slot for slot in slots if slot in MOODS]
    for concept in {name: None for row in rows for name in row} if moods else ():
        for mood in moods:
            yield f"m:{mood}&{concept}"


def repaired(tokens: Row, known: frozenset[str] | set[str], concepts: Concepts) -> Row:
    """The words with slips of the pen mended: one letter wrong, missing, too many, two exchanged, or held down."""
    left = UNKNOWN_WORDS
    mended = []
    for token in tokens[:MOST_WORDS]:
        if token not in known and HELD.search(token):
            token = HELD.sub(r"\1", token)
        strange = token not in known and len(token) >= SHORTEST_REPAIRED and token.isalpha()
        if strange and left and not concepts.stands_for_any(token):
            left -= 1
            token = _nearest(token, known)
        mended.append(token)
    return tuple(mended)


def _nearest(token: str, known: frozenset[str] | set[str]) -> str:
    for place in range(len(token)):
        head, tail = token[:place], token[place:]
        swapped = head + tail[1:2] + tail[:1] + tail[2:]
        if swapped in known:
            return swapped
        if head + tail[1:] in known:
            return head + tail[1:]
        for letter in ALPHABET:
            if head + letter + tail[1:] in known:
                return head + letter + tail[1:]
            if head + letter + tail in known:
                return head + letter + tail
    return token
