"""Concepts: what words of several languages mean alike, from `data/concepts.yaml`, found in the words of a reply.

A concept with words in a new language is understood in it before any example is written (docs/understanding.md).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
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


@dataclass(frozen=True, slots=True)
class _Table:
    """The words of one language or kin, by skeleton.

    `phrases` are keyed by their first word or stem, then by the second word, or by nothing where that is a stem.
    """

    exact: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    stems: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    phrases: dict[str, dict[str, list[tuple[Row, str]]]] = field(default_factory=dict)


def kin(language: str) -> str:
    """The table that a language's words stand in."""
    return KIN if language in CYRILLIC else language


class Concepts:
    """The concepts of all languages. `known` are all words given in full: what a slip of the pen is repaired to.
    `spelled` are the same as they are written, with their language; `stems` the beginnings of words.
    """

    def __init__(self, source: Mapping[str, Mapping[str, str]]) -> None:
        self._tables: dict[str, _Table] = defaultdict(_Table)
        self.known: set[str] = set()
        self.stems: set[str] = set()
        self.spelled: list[tuple[str, str]] = []
        for concept, languages in source.items():
            for language, row in languages.items():
                for word in row.split(","):
                    if "*" not in word:
                        self.spelled.append((language, word.strip()))
                    self._add(self._tables[kin(language)], concept, word.strip())

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
        tables = [self._tables[name] for name in kins if name in self._tables]
        rows: list[list[str]] = []
        for place, token in enumerate(tokens):
            here: list[str] = []
            for table in tables:
                here += table.exact.get(token, ())
                here += _phrased(table, tokens, place, token)
                for end in range(SHORTEST_STEM, len(token) + 1):
                    head = token[:end]
                    if head in table.stems:
                        here += table.stems[head]
                    if head + "*" in table.phrases:
                        here += _phrased(table, tokens, place, head + "*")
            rows.append(sorted(set(here)) if len(here) > 1 else here)
        return rows


def _phrased(table: _Table, tokens: Row, place: int, first: str) -> Iterable[str]:
    seconds = table.phrases.get(first)
    if seconds is None or place + 1 == len(tokens):
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
