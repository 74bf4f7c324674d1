"""Which language a reply is written in, and whether the talk should go over to it.

Rows of letters learned from the examples decide; langdetect, with the deployment's profiles only and every n-gram once,
helps with long texts and with languages that have few examples. Its own probability is no measure of being right.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import langdetect
import yaml
from langdetect.detector import Detector
from langdetect.detector_factory import DetectorFactory

from dialogs.reading.concepts import CYRILLIC
from dialogs.reading.spoken import LATIN, LONGEST, Spoken, is_cyrillic
from dialogs.reading.vocabulary import vocabulary

PROFILES = Path(langdetect.__file__).parent / "profiles"
POLICY = Path(__file__).parent / "data" / "language.yaml"
AROUND = ".,;:!?()«»\"'"
SHORT_REQUEST = 3
"""Words up to which the bare name of a language asks for it: русский, english please."""


@dataclass(frozen=True, slots=True)
class Tongue:
    """The language decided on and why; `chances` of each language, `script` Latn where that is not its own.

    `chosen` says that the person asked for it.
    """

    language: str
    why: str
    chosen: bool = False
    script: str = ""
    chances: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Policy:
    """`data/language.yaml`, where each is explained."""

    prior: float
    sure: float
    sure_kin: float
    letters: int
    examples: float
    detector: float
    long: int
    fewest_examples: int
    own_letter: float
    other_script: float
    transliterated: float
    neutral: frozenset[str]


@cache
def _policy() -> _Policy:
    data: dict[str, Any] = yaml.safe_load(POLICY.read_text(encoding="utf-8"))
    return _Policy(neutral=frozenset(data.pop("neutral")), **data)


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


def tongue(text: str, row: str, current: str, languages: tuple[str, ...], spoken: Spoken) -> Tongue:
    """The language of a normalised text, `row` being its words.

    It is `current` unless the text asks for another or is surely in another; where `current` is empty, the likeliest.
    """
    asked_for = _asked_for(row, languages)
    if asked_for:
        return asked_for
    text = _telling(text) if current else text
    cyrillic = is_cyrillic(text)
    chances = _chances(text, current, languages, spoken, cyrillic=cyrillic)
    best = max(chances, key=lambda language: chances[language])
    chance = chances[best]
    script = "Latn" if best in CYRILLIC and not cyrillic else ""
    if not current or best == current:
        return Tongue(best, f"written in {_named(best, script)}, {chance:.2f}", script=script, chances=chances)
    here = Tongue(current, "", chances=chances)
    if sum(map(str.isalpha, text)) < _policy().letters or (_learned(spoken, languages) and not spoken.knows(text)):
        return Tongue(current, "too little to judge the language by", chances=chances)
    if chance < _needed(text, best, current):
        why = f"language stays {current}: {_named(best, script)} {chance:.2f} is not sure enough"
        return Tongue(current, why, chances=here.chances)
    return Tongue(best, f"written in {_named(best, script)}, {chance:.2f}", script=script, chances=chances)


def _named(language: str, script: str) -> str:
    return f"{language} in Latin letters" if script else language


def _asked_for(row: str, languages: tuple[str, ...]) -> Tongue | None:
    short = len(row.split()) <= SHORT_REQUEST
    for language in languages:
        for pattern in vocabulary(language).choose if _choosing(language).search(row) else ():
            if pattern.regex.search(row) if pattern.weight > 1 else short and pattern.regex.match(row):
                return Tongue(language, f"asked for {language}: {pattern.source}", chosen=True, chances={language: 1.0})
    return None


@cache
def _choosing(language: str) -> re.Pattern[str]:
    """Any way of asking for a language, as one pattern."""
    return re.compile("|".join(f"(?:{pattern.regex.pattern})" for pattern in vocabulary(language).choose) or "(?!)")


def _telling(text: str) -> str:
    """The text without the words that all languages write alike."""
    return " ".join(word for word in text.split() if word.strip(AROUND) not in _policy().neutral)


def _needed(text: str, best: str, current: str) -> float:
    """The chance from which the talk goes over: higher between kin, where no letter of one's own was written."""
    kin = {best, current} <= CYRILLIC
    if kin and not any(char in vocabulary(best).letters for char in text):
        return _policy().sure_kin
    return _policy().sure


def _learned(spoken: Spoken, languages: tuple[str, ...]) -> bool:
    """Whether there are examples enough of every language."""
    return all(spoken.counts.get(language, 0) >= _policy().fewest_examples for language in languages)


def _chances(
    text: str, current: str, languages: tuple[str, ...], spoken: Spoken, *, cyrillic: bool
) -> dict[str, float]:
    policy = _policy()
    learned = _learned(spoken, languages)
    odds = dict.fromkeys(languages, 0.0)
    if learned:
        found = spoken.odds(text)
        for language in languages:
            name = language if cyrillic or language not in CYRILLIC else language + LATIN
            odds[language] += policy.examples * found.get(name, 0.0)
    if len(languages) > 1 and (not learned or text.count(" ") >= policy.long):
        heard = _OnePass(_factory(tuple(sorted(languages)))).log_odds(text[:LONGEST])
        middle = sum(heard.values()) / len(heard)
        for language in languages:
            odds[language] += policy.detector * (heard[language] - middle)
    for language in languages:
        odds[language] += policy.own_letter * sum(map(text[:LONGEST].count, vocabulary(language).letters))
        odds[language] -= policy.other_script * (cyrillic and language not in CYRILLIC)
        odds[language] -= policy.transliterated * (not cyrillic and language in CYRILLIC)
        if current in odds and len(odds) > 1:
            odds[language] += math.log(policy.prior if language == current else (1 - policy.prior) / (len(odds) - 1))
    top = max(odds.values())
    powers = {language: math.exp(value - top) for language, value in odds.items()}
    total = math.fsum(powers.values())
    return {language: power / total for language, power in powers.items()}
