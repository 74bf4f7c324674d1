"""Concepts: what words of several languages mean alike, from `data/concepts.yaml`, found in the words of a reply.

A concept with words in a new language is understood in it before any example is written (docs/understanding.md).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from pathlib import Path

import yaml

from dialogs.reading.skeleton import words
from dialogs.reading.vocabulary import LOADER

CONCEPTS = Path(__file__).parent / "data" / "concepts.yaml"
CYRILLIC = frozenset({"uk", "ru", "bg", "sr", "be"})
KIN = "cyrillic"
"""Languages of this alphabet share one table: people mix them in a sentence."""
SHORTEST_STEM = 2

Row = tuple[str, ...]
_Seconds = dict[str, list[tuple[Row, str]]]
"""By the second word of a phrase, what else it consists of and the concept it stands for."""


@dataclass(frozen=True, slots=True)
class _Table:
    """The words of one language or kin, by skeleton.

    `phrases` are keyed by their first word or stem, then by the second word, or by nothing where that is a stem.
    """

    exact: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    stems: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    phrases: dict[str, _Seconds] = field(default_factory=dict)


def kin(language: str) -> str:
    """The table that a language's words stand in."""
    return KIN if language in CYRILLIC else language


class Concepts:
    """The concepts of all languages. `known` are all words given in full: what a slip of the pen is repaired to.
    `spelled` are the same as they are written, with their language; `stems` the beginnings of words.
    """

    def __init__(self, source: Mapping[str, Mapping[str, str]]) -> None:
        self._tables: dict[str, _Table] = {}
        self._meaning = lru_cache(maxsize=50_000)(self._look_up)
        self.known: set[str] = set()
        self.stems: set[str] = set()
        self.spelled: list[tuple[str, str]] = []
        for concept, languages in source.items():
            for language, row in languages.items():
                for word in row.split(","):
                    if "*" not in word:
                        self.spelled.append((language, word.strip()))
                    self._add(self._tables.setdefault(kin(language), _Table()), concept, word.strip())

    def _add(self, table: _Table, concept: str, given: str) -> None:
        parts = tuple(words(part) + "*" * part.endswith("*") for part in given.replace("-", " ").split())
        parts = tuple(part for part in parts if part.strip("*"))
        self.known.update(part for part in parts if not part.endswith("*"))
        if len(parts) > 1:
            second = "" if parts[1].endswith("*") else parts[1]
            table.phrases.setdefault(parts[0], {}).setdefault(second, []).append((parts[1:], concept))
        elif parts and parts[0].endswith("*"):
            table.stems[parts[0][:-1]].append(concept)
            self.stems.add(parts[0][:-1])
        elif parts:
            table.exact[parts[0]].append(concept)

    def stands_for_any(self, token: str) -> bool:
        """Whether a word begins with a stem of any language."""
        return any(token[:end] in self.stems for end in range(SHORTEST_STEM + 1, len(token) + 1))

    def found(self, tokens: Row, kins: Iterable[str]) -> list[list[str]]:
        """For each word the concepts it stands for, or that a phrase beginning with it stands for."""
        rows: list[list[str]] = []
        for place, token in enumerate(tokens):
            here: list[str] = []
            for name in kins:
                alone, phrases = self._meaning(name, token)
                here += alone
                for seconds in phrases:
                    here += _phrased(seconds, tokens, place)
            rows.append(sorted(set(here)) if len(here) > 1 else here)
        return rows

    def _look_up(self, name: str, token: str) -> tuple[Row, tuple[_Seconds, ...]]:
        """What a word stands for alone, and what follows it in the phrases that it may begin."""
        table = self._tables.get(name)
        if table is None:
            return (), ()
        heads = [token[:end] for end in range(SHORTEST_STEM, len(token) + 1)]
        alone = [*table.exact.get(token, ()), *(concept for head in heads for concept in table.stems.get(head, ()))]
        firsts = [token, *(f"{head}*" for head in heads)]
        return tuple(alone), tuple(table.phrases[first] for first in firsts if first in table.phrases)


def _phrased(seconds: _Seconds, tokens: Row, place: int) -> Iterable[str]:
    if place + 1 == len(tokens):
        return ()
    possible = (*seconds.get(tokens[place + 1], ()), *seconds.get("", ()))
    return [
        concept
        for rest, concept in possible
        if place + len(rest) < len(tokens)
        and all(_fits(part, tokens[place + 1 + step]) for step, part in enumerate(rest))
    ]


def _fits(part: str, token: str) -> bool:
    return token.startswith(part[:-1]) if part.endswith("*") else token == part


@cache
def concepts() -> Concepts:
    """The concepts of the product."""
    return Concepts(yaml.load(CONCEPTS.read_text(encoding="utf-8"), LOADER))  # noqa: S506 texts only
