"""The words of one language that name days, numbers and money, from `data/values.<lang>.yaml`, compiled once.

A form is a word or a row of words; `stem*` stands for any ending. Letters are compared by skeleton, so that bare,
transliterated and Moldovan spellings meet. Each word is turned into marks such as `/weekday=4/`; a word of several
meanings (ro luni: Monday, months) bears several, and the grammar shared by all languages tells them apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, TypeVar

import yaml

from dialogs.reading.skeleton import words

DATA = Path(__file__).parent / "data"
LOADER = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
"""Ten times as fast where libyaml is at hand."""
SHORTEST_STEM = 2
SHORTEST_REPAIRED = 5
"""Letters from which a word may have one slip: shorter words meet other words too easily."""
MISSPELT = "~"
"""Stands before a misspelling that people write; nothing else is repaired towards it."""
REPAIRED = ("near=", "weekday=", "month=")

ORDERED = {"weekdays": 0, "months": 1}
VALUED = ("near", "unit", "card", "ord", "nth", "times", "frac", "cur")

Data = Mapping[str, Any]
"""A file of words as it is read: maps and lists of texts."""
Form = TypeVar("Form", str, tuple[str, ...])
Phrase = tuple[tuple[str, ...], str]


@dataclass(frozen=True, slots=True)
class Lexicon:
    """Words, stems and rows of words to their marks; `slips` are, by their first letter, those that may be misspelt."""

    exact: Mapping[str, str]
    stems: Mapping[str, str]
    phrases: Mapping[str, tuple[Phrase, ...]]
    slips: Mapping[str, tuple[tuple[str, str], ...]]
    never_slips: frozenset[str]


@cache
def is_known(language: str) -> bool:
    """Whether there is a book of the language's words."""
    return bool(language) and (DATA / f"values.{language}.yaml").exists()


@cache
def lexicon(language: str) -> Lexicon:
    """The value words of a language of the product."""
    source = (DATA / f"values.{language}.yaml").read_text(encoding="utf-8")
    data = yaml.load(source, LOADER)  # noqa: S506 it makes texts only
    exact: dict[str, str] = {}
    stems: dict[str, str] = {}
    phrases: dict[str, dict[tuple[str, ...], str]] = {}
    rightly: set[str] = set()
    for mark, form in _forms(data):
        if not form.startswith(MISSPELT):
            rightly.add(_skeleton(form).removesuffix("*"))
        row = tuple(_skeleton(word) for word in form.split())
        if len(row) > 1:
            known = phrases.setdefault(row[0], {})
            _mark(known, row[1:], mark)
        elif row[0].endswith("*"):
            _mark(stems, row[0][:-1], mark)
        else:
            _mark(exact, row[0], mark)
    slips = [
        (form, mark)
        for form, mark in (*exact.items(), *((f"{stem}*", mark) for stem, mark in stems.items()))
        if len(form) >= SHORTEST_REPAIRED and mark.startswith(REPAIRED) and form.removesuffix("*") in rightly
    ]
    for form in exact:
        for mark in _stem_of(form, stems).split("/")[:-1]:
            _mark(exact, form, f"{mark}/")
    return Lexicon(
        exact=exact,
        stems=stems,
        phrases={first: tuple(sorted(rows.items(), key=lambda row: -len(row[0]))) for first, rows in phrases.items()},
        slips={first: tuple(slip for slip in slips if slip[0][0] == first) for first in {form[0] for form, _ in slips}},
        never_slips=frozenset(words(word) for word in data["never slips"]),
    )


@lru_cache(maxsize=50_000)
def marks_of(word: str, language: str) -> str:
    """Marks of a skeleton word in a language, each closed by a slash; empty for a word that names nothing."""
    book = lexicon(language)
    found = book.exact.get(word)
    return _stem_of(word, book.stems) if found is None else found


@lru_cache(maxsize=50_000)
def repaired(word: str, language: str) -> str:
    """Marks of the one day word that differs by a letter: left out, put in, changed or swapped with the next."""
    book = lexicon(language)
    if len(word) < SHORTEST_REPAIRED or word in book.never_slips:
        return ""
    near = {marks for known, marks in book.slips.get(word[0], ()) if _is_like(word, known)}
    return near.pop() if len(near) == 1 else ""


def _mark(known: dict[Form, str], form: Form, mark: str) -> None:
    """Adds a mark to those of a form."""
    before = known.get(form, "")
    if f"/{mark}" not in f"/{before}":
        known[form] = before + mark


def _stem_of(word: str, stems: Mapping[str, str]) -> str:
    """The marks of the longest stem that a word begins with."""
    ends = range(len(word), SHORTEST_STEM - 1, -1)
    return next((stems[word[:end]] for end in ends if word[:end] in stems), "")


@lru_cache(maxsize=20_000)
def skeleton_of(word: str) -> str:
    """The skeleton of one word."""
    return words(word).replace(" ", "")


def is_slip(word: str, known: str) -> bool:
    """Whether two words differ by exactly one slip of the finger."""
    if word == known or abs(len(word) - len(known)) > 1:
        return False
    start = 0
    while start < min(len(word), len(known)) and word[start] == known[start]:
        start += 1
    rest, other = word[start:], known[start:]
    swapped = len(rest) > 1 and len(other) > 1 and rest[0] == other[1] and rest[1] == other[0] and rest[2:] == other[2:]
    return rest[1:] == other[1:] or rest[1:] == other or rest == other[1:] or swapped


def _is_like(word: str, known: str) -> bool:
    """Whether a word is a slip of a known one, or begins with a slip of a stem."""
    if not known.endswith("*"):
        return is_slip(word, known)
    length = len(known) - 1
    return any(is_slip(word[:end], known[:-1]) for end in (length - 1, length, length + 1) if end <= len(word))


def _forms(data: Data) -> Iterator[tuple[str, str]]:
    """Each form with its mark: lists are numbered where they stand for an order, maps are named by their keys."""
    for name, first in ORDERED.items():
        for place, forms in enumerate(data[name], first):
            yield from ((f"{name[:-1]}={place}/", form) for form in forms)
    free = "free ordinals" in data
    for name in VALUED:
        for value, forms in (data[name] or {}).items():
            mark = f"{name}={value.replace('/', ':')}/" + (f"free={value}/" if free and name == "ord" else "")
            yield from ((mark, form) for form in forms)
    for name, forms in data["words"].items():
        yield from ((f"{name}/", form) for form in forms)


def _skeleton(form: str) -> str:
    return skeleton_of(form.removeprefix(MISSPELT).removesuffix("*")) + ("*" if form.endswith("*") else "")


def fits(row: Iterable[str], tokens: Iterable[str]) -> bool:
    """Whether words stand as the rest of a phrase says."""
    return all(
        token.startswith(word[:-1]) if word.endswith("*") else token == word
        for word, token in zip(row, tokens, strict=True)
    )
