"""What a reply wants: the likeliest intent, the runner-up, and how far apart they are.

A clause that surely wants something of its own counts beside the whole: of two wishes the more binding is acted on,
and the other is told as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from heapq import nsmallest
from pathlib import Path

import yaml

from dialogs.reading.model import Model
from dialogs.reading.reading import Asked, Band, Intent
from dialogs.reading.skeleton import words
from dialogs.reading.traits import Traits
from dialogs.reading.word_rules import CLAUSE, NEVER_IN_CLAUSES

THRESHOLDS = Path(__file__).parent / "data" / "thresholds.yaml"
MOST_CLAUSES = 4
FAINT = 0.05
"""Chance below which a runner-up is not worth naming."""
ORDER = tuple(Intent)
BINDING = frozenset({Intent.OPT_OUT, Intent.WRONG_PERSON, Intent.ALREADY_PAID, Intent.HUMAN})
"""What goes before the wish of the whole reply where one clause says it."""
REFUSING = frozenset({Intent.HARDSHIP, Intent.DENY, Intent.OTHER})
"""What a promise in a clause of its own goes before: not today, but on Friday."""
STOPPING = frozenset({Intent.OPT_OUT, Intent.WRONG_PERSON})
"""What ends the messages: where it is sure, nobody needs to be asked whether they want no more of them."""
NEVER_SECOND = frozenset({Intent.OTHER, Intent.AFFIRM, Intent.DENY, Intent.THANKS, Intent.WHO_ARE_YOU})
"""What is no wish beside another."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """How sure a reading must be, from `data/thresholds.yaml`: margins and chances, 0 to 1."""

    act: float
    act_surer: Mapping[str, float]
    confirm: float
    clause: float
    clause_words: int
    suspected: float
    always: Mapping[str, float]
    asked: Mapping[Asked, Mapping[str, float]]


@cache
def thresholds() -> Thresholds:
    """The thresholds in force."""
    data = yaml.safe_load(THRESHOLDS.read_text(encoding="utf-8"))
    asked = {Asked(name): _factors(row) for name, row in data.pop("asked").items()}
    always, surer = (_factors(data.pop(name)) for name in ("always", "act_surer"))
    return Thresholds(always=always, act_surer=surer, asked=asked, **data)


def _factors(row: Mapping[str, float]) -> dict[str, float]:
    return {str(Intent(name)): float(factor) for name, factor in row.items()}


@dataclass(frozen=True, slots=True)
class Judged:
    """An intent and its runner-up; `margin` lies between their chances. `clear` says that two wishes are both meant,
    `suspected` that one of the first two is a wish to be left alone, likely enough to be asked about; `found` are the
    features of the whole reply.
    """

    intent: Intent
    second: Intent
    chance: float
    margin: float
    clear: bool = False
    suspected: bool = False
    found: tuple[str, ...] = field(default=(), repr=False)

    @property
    def sure(self) -> bool:
        """Whether the margin is wide enough for this intent."""
        return self.margin >= thresholds().act_surer.get(self.intent, thresholds().act)

    @property
    def band(self) -> Band:
        """What may be done with it. What is none of our intents is never acted on, nor offered."""
        if self.intent in STOPPING and (self.clear or self.sure):
            return Band.ACT
        if self.suspected and not self.clear:
            return Band.CONFIRM
        if self.intent == Intent.OTHER:
            return Band.ASK
        if self.clear or self.sure:
            return Band.ACT
        if self.margin < thresholds().confirm:
            return Band.ASK
        return Band.CONFIRM


NOBODY = Judged(Intent.OTHER, Intent.OTHER, 0.0, 0.0)
"""Nothing was understood."""


def judged(model: Model, plain: str, whole: Traits, asked: Asked, never: frozenset[Intent] = frozenset()) -> Judged:
    """The intent of a reply. `plain` is its normalised text, for the clauses in it; `never` are intents ruled out."""
    first = _best(model, whole, asked, never)
    if len(whole.tokens) <= 2 * thresholds().clause_words or len(plain) > NEVER_IN_CLAUSES:
        return first
    apart = {
        found.intent
        for clause in _clauses(plain)
        if (found := _best(model, Traits(clause, whole.kins, _asks(clause, plain)), asked, never)).chance
        >= thresholds().clause
    }
    return _of_two(first, apart - NEVER_SECOND)


def _of_two(first: Judged, apart: set[Intent]) -> Judged:
    """The wish of the whole reply beside those of its clauses: of two the more binding goes first."""
    others = sorted(apart - {first.intent}, key=ORDER.index)
    if not others:
        return replace(first, clear=first.intent in apart)
    other = others[0]
    if Intent.PROMISE_TO_PAY in others and first.intent in REFUSING:
        return replace(first, intent=Intent.PROMISE_TO_PAY, second=first.intent, clear=True)
    if other in BINDING and ORDER.index(other) < ORDER.index(first.intent):
        return replace(first, intent=other, second=first.intent, margin=max(first.margin, thresholds().act), clear=True)
    if first.intent in apart:
        return replace(first, second=other, clear=True)
    return first


def _clauses(plain: str) -> list[tuple[str, ...]]:
    rows = [tuple(words(clause).split()) for clause in CLAUSE.split(plain)]
    rows = [row for row in rows if len(row) >= thresholds().clause_words]
    return rows[:MOST_CLAUSES] if len(rows) > 1 else []


def _asks(clause: tuple[str, ...], plain: str) -> tuple[str, ...]:
    return ("asks",) if "?" in plain and words(plain.rsplit("?", 1)[0]).endswith(" ".join(clause)) else ()


def _best(model: Model, traits: Traits, asked: Asked, never: frozenset[Intent]) -> Judged:
    """The likeliest. What is ruled out takes its chance with it, so that the others are no surer for that."""
    found = tuple(model.found(traits))
    chances = model.chances(found)
    if not chances:
        return NOBODY
    factors = {**thresholds().always, **thresholds().asked.get(asked, {})}
    weighed = {name: chance * factors.get(name, 1.0) for name, chance in chances.items()}
    total = sum(weighed.values())
    left = [(-chance, name) for name, chance in weighed.items() if name not in never]
    (top, first), (next_best, second) = ((-chance, Intent(name)) for chance, name in nsmallest(2, left))
    suspected = weighed.get(Intent.OPT_OUT, 0.0) >= thresholds().suspected * total and Intent.OPT_OUT not in never
    if suspected and first != Intent.OPT_OUT:
        second = Intent.OPT_OUT
    elif next_best < FAINT * total:
        second = Intent.OTHER
    return Judged(first, second, top / total, (top - next_best) / total, suspected=suspected, found=found)
