"""Wishes about the talk itself, not about the debt: help, another language, a value said wrongly; and a death.

They are read from hard words, `locales/<lang>/wishes.yaml`, beside what examples teach (`dialogs.reading`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path

import yaml

from dialogs.reading.reading import LANGUAGES, Band, Intent, Reading
from dialogs.reading.skeleton import words

LOCALES = Path(__file__).parents[1] / "locales"


TOLD_BY = (Intent.WRONG_PERSON, Intent.HARDSHIP)
"""What a death is taken for by its words."""
GIVEN_WAY = (Intent.WRONG_PERSON, Intent.DISPUTE, Intent.ALREADY_PAID)
"""What a reply that begins like a correction may be about all the same: a wrong number, a wrong bill."""


class Wish(StrEnum):
    """What somebody wants of the talk."""

    HELP = "help"
    LANGUAGE = "language"
    CORRECT = "correct"
    BEREAVED = "bereaved"


@dataclass(frozen=True, slots=True)
class _Words:
    """Replies that are the wish as a whole, words with which a correction begins, those that tell a death, what
    dies and is nobody, and how the ear asks once more.
    """

    whole: dict[str, Wish]
    begins: tuple[str, ...]
    death: tuple[str, ...]
    lifeless: frozenset[str]
    again: frozenset[str]

    def tells_death(self, said: str) -> bool:
        """Whether somebody died: a telephone may as well."""
        return self.lifeless.isdisjoint(said.split()) and any(one in f" {said} " for one in self.death)


def wish_of(reading: Reading, languages: Iterable[str]) -> Wish | None:
    """The wish a reply is in any of the languages, or None. A correction may be followed by the value that is meant,
    unless the whole may well be about something else; a death may be told in a longer one.
    """
    said = words(reading.text) or reading.text
    for known in map(_words, languages):
        if said in known.whole:
            return known.whole[said]
        if reading.intent in TOLD_BY and known.tells_death(said):
            return Wish.BEREAVED
        if f"{said} ".startswith(known.begins):
            return None if reading.band != Band.ASK and reading.intent in GIVEN_WAY else Wish.CORRECT
    return None


def asks_again(text: str) -> bool:
    """Whether what was said in a call asks, in any language, to hear it once more, or more slowly."""
    said = words(text)
    return any(said in _words(known).again for known in LANGUAGES)


@cache
def _words(language: str) -> _Words:
    path = LOCALES / language / "wishes.yaml"
    source = path.read_text(encoding="utf-8") if path.is_file() else "{}"
    data = yaml.load(source, yaml.BaseLoader)  # noqa: S506 it makes texts only
    whole = {words(said) or said: Wish(name) for name in Wish for said in data.get(name, [])}
    return _Words(
        whole,
        tuple(f"{words(said)} " for said in data.get(Wish.CORRECT, [])),
        tuple(f" {words(said)} " for said in data.get(Wish.BEREAVED, [])),
        frozenset(map(words, data.get("lifeless", []))),
        frozenset(map(words, data.get("again", []))),
    )
