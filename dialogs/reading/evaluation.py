"""How well replies are understood: figures over rows whose meaning is known, overall and by language."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache

from dialogs.reading.concepts import CYRILLIC
from dialogs.reading.examples import Example
from dialogs.reading.model import Model, learn
from dialogs.reading.reader import read
from dialogs.reading.reading import Band, Intent, Reading
from dialogs.reading.traits import LEARNED_ON

FOLDS = 5
SEED = 7
NOT_OURS = Intent.OTHER


@dataclass(frozen=True, slots=True)
class Case:
    """A reply, what it wants, and what was made of it. `style` is everyday or hard, empty where it is not said."""

    language: str
    intent: Intent
    text: str
    style: str
    reading: Reading

    @property
    def found(self) -> Intent:
        """The intent read; thanks are none of the fifteen."""
        return Intent.OTHER if self.reading.intent == Intent.THANKS else self.reading.intent

    @property
    def acted(self) -> bool:
        """Whether the bot would do at once what was read."""
        return self.reading.band == Band.ACT and self.found != NOT_OURS

    @property
    def right(self) -> bool:
        """Whether the intent is the one meant."""
        return self.found == self.intent

    @property
    def stops(self) -> bool:
        """Whether a wish to be left alone is done at once or asked about as one of two: that it is only likeliest does
        not count."""
        asks = self.reading.band == Band.CONFIRM and Intent.OPT_OUT in {self.found, self.reading.second}
        return asks or (self.acted and self.found == Intent.OPT_OUT)

    @property
    def latin(self) -> bool:
        """Whether a language of another alphabet is written in Latin letters."""
        return self.language in CYRILLIC and self.lettered and not any("а" <= char <= "ӿ" for char in self.text.lower())

    @property
    def lettered(self) -> bool:
        """Whether there is a letter to tell the language by."""
        return any(map(str.isalpha, self.text))


@dataclass(frozen=True, slots=True)
class Score:
    """Shares, 0 to 1. `ours` leaves out what is none of our intents; `acted` and `precise` are over these alone.

    Opt-outs are `heard` where they are done at once or asked about, `done` at once; of all other replies some are taken
    for them (`false`) and some are asked about in vain (`vain`).
    """

    rows: int
    right: float
    ours: float
    in_two: float
    acted: float
    precise: float
    other_acted: float
    opt_out_heard: float
    opt_out_done: float
    opt_out_false: float
    opt_out_vain: float
    language: float
    language_latin: float

    def to_json(self) -> dict[str, float]:
        """The figures by name, rounded to a tenth of a percent."""
        return {name: round(getattr(self, name), 3) for name in self.__slots__}


def score(cases: Sequence[Case]) -> Score:
    """The figures of some cases."""
    ours = [case for case in cases if case.intent != NOT_OURS]
    acted = [case for case in ours if case.acted]
    stops = [case for case in cases if case.intent == Intent.OPT_OUT]
    others = [case for case in cases if case.intent != Intent.OPT_OUT]
    latin = [case for case in cases if case.latin]
    native = [case for case in cases if case.lettered and not case.latin]
    return Score(
        rows=len(cases),
        right=_share(cases, lambda case: case.right),
        ours=_share(ours, lambda case: case.right),
        in_two=_share(cases, lambda case: case.intent in {case.found, case.reading.second}),
        acted=len(acted) / max(1, len(ours)),
        precise=_share(acted, lambda case: case.right),
        other_acted=_share([case for case in cases if case.intent == NOT_OURS], lambda case: case.acted),
        opt_out_heard=_share(stops, lambda case: case.stops),
        opt_out_done=_share(stops, lambda case: case.acted and case.right),
        opt_out_false=_share(others, lambda case: case.acted and case.found == Intent.OPT_OUT) if others else 0.0,
        opt_out_vain=_share(others, lambda case: case.stops and case.reading.band == Band.CONFIRM) if others else 0.0,
        language=_share(native, lambda case: case.reading.language == case.language),
        language_latin=_share(latin, lambda case: case.reading.language == case.language),
    )


def _share(cases: Sequence[Case], holds: Callable[[Case], bool]) -> float:
    return sum(map(holds, cases)) / len(cases) if cases else 1.0


def judged_by(rows: Iterable[tuple[Example, str]], model: Model | None = None) -> Iterator[Case]:
    """Read each reply with nothing asked and the language of its writer unknown; rows come with their style."""
    for example, style in rows:
        reading = read(example.text, "", LEARNED_ON, learned=model)
        yield Case(example.language, example.intent, example.text, style, reading)


def crossed(examples: Sequence[Example], folds: int = FOLDS, only: int = FOLDS) -> Iterator[Case]:
    """Cross-validation: each fifth of the examples is read by what was learned from the others; `only` so many."""
    order = list(range(len(examples)))
    random.Random(SEED).shuffle(order)  # noqa: S311 an order of examples, not a secret
    for fold in range(min(only, folds)):
        held = set(order[fold::folds])
        model = learn([example for place, example in enumerate(examples) if place not in held])
        yield from judged_by(((examples[place], "") for place in sorted(held)), model)


def confusion(cases: Iterable[Case]) -> dict[str, Counter[tuple[Intent, Intent]]]:
    """For each language how often an intent was read as another."""
    counts: dict[str, Counter[tuple[Intent, Intent]]] = {}
    for case in cases:
        if not case.right:
            counts.setdefault(case.language, Counter())[case.intent, case.found] += 1
    return counts


@dataclass(frozen=True, slots=True)
class Change:
    """A reply that two models read differently."""

    example: Example
    before: Reading
    after: Reading

    @property
    def line(self) -> str:
        """The change as it is told to a person."""
        was, will_be = (f"{reading.intent}/{reading.band}" for reading in (self.before, self.after))
        return f"{self.example.language} {was} -> {will_be}: {self.example.text}"


def changes(examples: Iterable[Example], before: Model, after: Model, today: date = LEARNED_ON) -> Iterator[Change]:
    """What would be answered otherwise with another model, intent or band: looked at before new examples count."""
    for example in examples:
        old, new = (read(example.text, example.language, today, learned=model) for model in (before, after))
        if (old.intent, old.band) != (new.intent, new.band):
            yield Change(example, old, new)


@cache
def intents() -> tuple[Intent, ...]:
    """The fifteen intents, as tables show them."""
    return tuple(intent for intent in Intent if intent != Intent.THANKS)
