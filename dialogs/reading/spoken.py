"""Letters in a row by language, learned from the examples: which language a short reply is written in.

Russian and Ukrainian are also learned in Latin letters, transliterated in three ways, and Romanian without its marks.
"""

from __future__ import annotations

import math
import unicodedata
from base64 import b64decode, b64encode
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from dialogs.reading.columns import fields_of, kept, rows_of, totals
from dialogs.reading.concepts import CYRILLIC, concepts
from dialogs.reading.examples import Example
from dialogs.reading.skeleton import normalise

LONGEST_ROW = 5
SIZES = range(1, LONGEST_ROW + 1)
MOST_WORDS = 20_000
"""Words whose sums are kept at hand."""
LONGEST = 100
"""Letters of a reply that its language is read from."""
SHORTEST = 3
FEWEST = 2
"""Examples that a row of letters must stand in."""
SMOOTH = 0.3
UNIT = 100
"""Whole numbers in a nat."""
LATIN = "-Latn"

_COMMON = dict(zip("абвдезклмнопрстуфі", "abvdezklmnoprstufi", strict=True)) | {
    "ё": "yo",
    "ч": "ch",
    "ш": "sh",
    "ь": "",
    "ъ": "",
}
_RU = _COMMON | {"г": "g", "и": "i", "э": "e", "ы": "y"}
_UK = _COMMON | {"г": "h", "ґ": "g", "и": "y", "'": ""}
SCHEMES = {
    "ru": (
        _RU | {"ж": "zh", "й": "y", "х": "kh", "ц": "ts", "щ": "shch", "ю": "yu", "я": "ya"},
        _RU | {"ж": "j", "й": "i", "х": "h", "ц": "c", "щ": "sch", "ю": "u", "я": "ia", "ы": "i", "ё": "e"},
        _RU | {"ж": "zh", "й": "y", "х": "h", "ц": "ts", "щ": "sch", "ю": "yu", "я": "ya", "ё": "e"},
    ),
    "uk": (
        _UK | {"ж": "zh", "й": "y", "х": "kh", "ц": "ts", "щ": "shch", "ю": "yu", "я": "ya", "ї": "yi", "є": "ye"},
        _UK | {"ж": "j", "й": "j", "х": "h", "ц": "c", "щ": "sch", "ю": "ju", "я": "ja", "ї": "i", "є": "je"},
        _UK
        | {"ж": "zh", "й": "i", "х": "h", "ц": "ts", "щ": "sch", "ю": "iu", "я": "ia", "ї": "i", "є": "ie", "г": "g"},
    ),
}


@dataclass(frozen=True, slots=True)
class Spoken:
    """What was learned: for each row of letters one whole number a class; classes are languages, some in Latin letters.

    `counts` says of how many examples each language was learned.
    """

    classes: tuple[str, ...]
    counts: dict[str, int]
    rows: dict[str, int]
    words: dict[str, tuple[int, int]] = field(default_factory=dict, compare=False, repr=False)

    def odds(self, text: str) -> dict[str, float]:
        """How well a normalised text fits each class, in nats; only differences mean something."""
        tokens = words_of(text)
        found = [self._of_word(word) for word in dict.fromkeys(tokens)]
        pairs = dict.fromkeys(pairwise(tokens))
        known = self.rows
        between = [row for pair in pairs for gram in _between(*pair) if (row := known.get(gram)) is not None]
        summed = len(between) + sum(most for _, most in found)
        sums = totals([*between, *(row for row, _ in found)], len(self.classes), summed)
        return {name: total / UNIT for name, total in zip(self.classes, sums, strict=True)}

    def _of_word(self, word: str) -> tuple[int, int]:
        """The sum of a word's rows, and of how many; people say the same words again and again."""
        known = self.words.get(word)
        if known is None:
            if len(self.words) >= MOST_WORDS:
                self.words.clear()
            rows = [self.rows[gram] for gram in _within(word) if gram in self.rows]
            known = self.words[word] = (sum(rows), len(rows))
        return known

    def knows(self, text: str) -> bool:
        """Whether any word of a normalised text, of three letters or more, was learned as a whole."""
        return any(f" {word} " in self.rows for word in words_of(text) if len(word) >= SHORTEST)

    def to_json(self) -> dict[str, Any]:
        """Plain values, fit for a file."""
        nats = kept(self.rows.values(), len(self.classes))
        return {
            "classes": self.classes,
            "counts": self.counts,
            "grams": list(self.rows),
            "nats": b64encode(nats).decode(),
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Spoken:
        """The inverse of `to_json`."""
        classes = tuple(data["classes"])
        return cls(classes, data["counts"], rows_of(data["grams"], b64decode(data["nats"]), len(classes)))


def grams(text: str) -> Iterator[str]:
    """All rows of one to five letters, of each word and of each pair of words once; digits and signs are left out."""
    tokens = words_of(text)
    for word in dict.fromkeys(tokens):
        yield from _within(word)
    for first, second in dict.fromkeys(pairwise(tokens)):
        yield from _between(first, second)


def _within(word: str) -> set[str]:
    padded = f" {word} "
    return {padded, *(padded[at : at + size] for size in SIZES for at in range(len(padded) - size + 1))}


def _between(first: str, second: str) -> Iterator[str]:
    """The rows of letters with the space between two words inside."""
    for before in range(1, min(len(first), LONGEST_ROW - 2) + 1):
        for behind in range(1, min(len(second), LONGEST_ROW - 1 - before) + 1):
            yield f"{first[-before:]} {second[:behind]}"


def words_of(text: str) -> list[str]:
    """The words of a text as they are written, of its first hundred letters."""
    return "".join(char if char.isalpha() else " " for char in text[:LONGEST]).split()


def spoken_from(examples: Iterable[Example]) -> Spoken:
    """Learn from the examples; equal examples give equal numbers."""
    counts: dict[str, Counter[str]] = {}
    texts: Counter[str] = Counter()
    for example in examples:
        texts[example.language] += 1
        for name, text in _written(example.language, normalise(example.text)):
            counts.setdefault(name, Counter()).update(grams(text))
    for language, word in concepts().spelled:
        for name, text in _written(language, normalise(word)):
            counts.setdefault(name, Counter()).update(grams(text))
    classes = tuple(sorted(counts))
    whole: Counter[str] = Counter()
    for name in classes:
        whole.update(counts[name])
    known = sorted(gram for gram, times in whole.items() if times >= FEWEST)
    nats: list[int] = []
    sizes = [sum(counts[name][gram] for gram in known) + SMOOTH * len(known) for name in classes]
    for gram in known:
        logs = [math.log((counts[name][gram] + SMOOTH) / size) for name, size in zip(classes, sizes, strict=True)]
        middle = math.fsum(logs) / len(logs)
        nats.extend(round((log - middle) * UNIT) for log in logs)
    return Spoken(classes, dict(sorted(texts.items())), rows_of(known, fields_of(nats), len(classes)))


def _written(language: str, text: str) -> Iterator[tuple[str, str]]:
    """The ways in which a text may be written, each with its class."""
    if language not in CYRILLIC:
        yield language, text
        if (bare := without_marks(text)) != text:
            yield language, bare
    elif is_cyrillic(text):
        yield language, text
        for scheme in SCHEMES.get(language, ()):
            yield language + LATIN, transliterated(text, scheme)
    else:
        yield language + LATIN, text


def transliterated(text: str, scheme: dict[str, str]) -> str:
    """Small Cyrillic letters in Latin ones, by a scheme of SCHEMES."""
    return "".join(scheme.get(char, char) for char in text)


def without_marks(text: str) -> str:
    """Letters without what stands above or below them."""
    return "".join(char for char in unicodedata.normalize("NFD", text) if not unicodedata.combining(char))


def is_cyrillic(text: Sequence[str]) -> bool:
    """Whether most letters are Cyrillic."""
    letters = [char for char in text if char.isalpha()]
    return 2 * sum("а" <= char <= "ӿ" for char in letters) > len(letters)
