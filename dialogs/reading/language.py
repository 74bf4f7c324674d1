"""Which language a reply is written in, and whether the talk should go over to it.

langdetect is used with the deployment's profiles only, every n-gram once: deterministic, and its prior counts.
Its word alone never switches a talk: the reply must also hold words or letters of the language.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import langdetect
from langdetect.detector import Detector
from langdetect.detector_factory import DetectorFactory

from dialogs.reading.skeleton import words
from dialogs.reading.vocabulary import Vocabulary, vocabulary

PROFILES = Path(langdetect.__file__).parent / "profiles"
FEWEST_LETTERS = 6
SHORT_REQUEST = 3
"""Words up to which the bare name of a language asks for it: русский, english please."""
STAY = 0.8
SURE = 0.9
NATS_PER_LETTER = 3.0
NATS_PER_WORD = 1.5
NATS_PER_OWN_WORD = 4.0
"""For a common word that no other language of the deployment has: марта, березня."""
NATS_OTHER_SCRIPT = 8.0
CYRILLIC = frozenset({"uk", "ru", "bg", "sr", "be"})


@dataclass(frozen=True, slots=True)
class Tongue:
    """The language decided on, why, and whether the person asked for it."""

    language: str
    why: str
    chosen: bool = False


class _OnePass(Detector):  # type: ignore[misc]
    """Adds each n-gram once instead of sampling, so that equal texts get equal answers."""

    def log_odds(self, text: str) -> dict[str, float]:
        self.append(text)
        self.cleaning_text()
        totals = [0.0] * len(self.langlist)
        for gram in set(self._extract_ngrams()):
            for place, chance in enumerate(self.word_lang_prob_map[gram]):
                totals[place] += math.log(self.ALPHA_DEFAULT / self.BASE_FREQ + chance)
        return dict(zip(self.langlist, totals, strict=True))


@cache
def _factory(languages: tuple[str, ...]) -> DetectorFactory:
    factory = DetectorFactory()
    factory.load_json_profile([(PROFILES / language).read_text(encoding="utf-8") for language in languages])
    return factory


def tongue(text: str, current: str, languages: tuple[str, ...]) -> Tongue:
    """The language of a normalised text. It is `current` unless the text asks for another or is surely in another."""
    row = words(text) + " "
    short = len(row.split()) <= SHORT_REQUEST
    for language in languages:
        for pattern in vocabulary(language).choose:
            if pattern.regex.search(row) if pattern.weight > 1 else short and pattern.regex.match(row):
                return Tongue(language, f"asked for {language}: {pattern.source}", chosen=True)
    if sum(char.isalpha() for char in text) < FEWEST_LETTERS or len(languages) < 2:
        return Tongue(current, "too short to judge the language")
    best, chance = _likeliest(text, row, current, languages)
    if best == current:
        return Tongue(current, f"language stays {current}")
    if chance < SURE or not _shown(text, row, best, current):
        return Tongue(current, f"language stays {current}: {best} {chance:.2f} is not sure enough")
    return Tongue(best, f"written in {best}, {chance:.2f}")


def _likeliest(text: str, row: str, current: str, languages: tuple[str, ...]) -> tuple[str, float]:
    odds = _OnePass(_factory(tuple(sorted(languages)))).log_odds(text)
    cyrillic = _is_cyrillic(text)
    tokens = row.split()
    for language in odds:
        known = vocabulary(language)
        others = frozenset[str]().union(*(vocabulary(other).common for other in odds if other != language))
        odds[language] += math.log(STAY if language == current else (1 - STAY) / (len(languages) - 1))
        odds[language] += NATS_PER_LETTER * sum(char in known.letters for char in text)
        odds[language] += sum(
            NATS_PER_WORD if word in others else NATS_PER_OWN_WORD for word in tokens if word in known.common
        )
        odds[language] -= NATS_OTHER_SCRIPT * ((language in CYRILLIC) != cyrillic)
    top = max(odds.values())
    best = max(odds, key=lambda language: odds[language])
    return best, 1 / sum(math.exp(value - top) for value in odds.values())


def _shown(text: str, row: str, language: str, current: str) -> bool:
    """Evidence of our own for a switch: a letter only that language has, or its common words."""
    known, here = vocabulary(language), vocabulary(current)
    tokens = set(row.split())
    if any(char in known.letters for char in text):
        return True
    if _other_words(tokens, here, known) and not {language, current} <= CYRILLIC:
        return True
    return (language in CYRILLIC) and _is_cyrillic(text) and current not in CYRILLIC


def _other_words(tokens: set[str], here: Vocabulary, known: Vocabulary) -> bool:
    """More of the other language's common words than of the present one's."""
    return len(tokens & known.common) > len(tokens & here.common)


def _is_cyrillic(text: str) -> bool:
    letters = [char for char in text if char.isalpha()]
    return 2 * sum("а" <= char <= "ӿ" for char in letters) > len(letters)
