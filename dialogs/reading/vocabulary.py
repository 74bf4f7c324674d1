"""The hard words of one language, from `locales/<lang>/reading.yaml`, compiled once.

A pattern is a row of words: `stem*` any ending, `a|b` either, `a_b` two words as one, `..` up to three words between.
Letters are compared by skeleton.
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
GAP = r"(?:\S+ ){0,3}?"
LOADER = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
"""Ten times as fast where libyaml is at hand."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """A compiled row of words; longer rows weigh more."""

    regex: re.Pattern[str]
    weight: int
    source: str


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """One language's hard words. `letters` are those that no other language of the product has.

    `not_meant` are words that deny an intent instead of speaking for it: have not paid, cannot pay. `agree` are signs
    that are a yes where they are the whole reply to a question of yes or no; `thanks` count in a short reply only.
    """

    language: str
    letters: frozenset[str]
    choose: tuple[Pattern, ...]
    opt_out: frozenset[str]
    opt_in: frozenset[str]
    yes: tuple[Pattern, ...]
    no: tuple[Pattern, ...]
    agree: frozenset[str]
    thanks: tuple[Pattern, ...]
    not_meant: Mapping[Intent, tuple[Pattern, ...]]


@cache
def vocabulary(language: str) -> Vocabulary:
    """The hard words of a language of the product."""
    data = yaml.load((LOCALES / language / "reading.yaml").read_text(encoding="utf-8"), LOADER)  # noqa: S506 texts only
    return Vocabulary(
        language=language,
        letters=frozenset(data["letters"]),
        choose=_rows(data["choose"]),
        opt_out=frozenset(words(word) for word in data["opt_out"]),
        opt_in=frozenset(words(word) for word in data["opt_in"]),
        yes=_rows(data["yes"]),
        no=_rows(data["no"]),
        agree=frozenset(data["agree"]),
        thanks=_rows(data["thanks"]),
        not_meant={Intent(name): _rows(source) for name, source in data["not_meant"].items()},
    )


def _rows(source: Iterable[str]) -> tuple[Pattern, ...]:
    return tuple(_compile(row) for row in source)


def _compile(source: str) -> Pattern:
    parts, weight = [], 0
    for word in source.split():
        if word == "..":
            parts.append(GAP)
            continue
        weight += 1
        parts.append("(?:" + "|".join(_stem(form) for form in word.split("|")) + ") ")
    return Pattern(re.compile(r"(?<!\S)" + "".join(parts)), weight, source)


def _stem(form: str) -> str:
    return re.escape(words(form.replace("_", " "))) + ("[a-z]*" if form.endswith("*") else "")
