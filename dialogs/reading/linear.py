"""A linear classifier learned from examples: multinomial logistic regression by stochastic gradient descent.

In plain Python, with a fixed order of examples, so that equal examples give equal weights in every process. Weights are
kept as whole numbers: their sums do not depend on the order of adding.
"""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from dialogs.reading.columns import fields_of, gap, kept, numbers_of, rows_of, signed, totals

SCALES = {"w": 0.6, "b": 0.8, "c": 0.3, "k": 1.5, "o": 1.0, "p": 1.1, "m": 0.8, "e": 1.0, "t": 1.0, "l": 0.4}
"""How much a feature of a kind weighs before anything is learned, by its first letter (dialogs/reading/features.py)."""
SQUARES = {kind: scale * scale for kind, scale in SCALES.items()}
FEWEST = 2
"""Examples that a feature must stand in."""
EPOCHS, RATE, DECAY = 30, 4.0, 0.94
DOUBT = 0.3
"""Chance that is shared out among all classes when an example is learned: one that is understood well enough is not
pressed further, and a strange one counts no more than others (label smoothing)."""
SHARPER = 1.6
"""How much further apart scores are put for that, so that chances tell again how often they are right."""
LEFT_OUT = 0.5
"""Share of an example's features that each step does without, so that none is leaned on alone."""
NEGLIGIBLE = 0.01
"""Errors of a probability below which nothing is learned."""
FINE = 1 << 30
"""Whole numbers in a weight of one while it is learned."""
UNIT = 500
"""Whole numbers in a weight of one."""
LARGEST = 32767
SEED = 20261122


@dataclass(frozen=True, slots=True)
class Linear:
    """What was learned: for each feature a row of weights, one whole number for each class, as columns.py has rows."""

    classes: tuple[str, ...]
    rows: dict[str, int]

    @classmethod
    def of(cls, classes: Sequence[str], names: Sequence[str], weights: bytes) -> Linear:
        """The weights of all features one after the other, in the order of their names, cut into rows."""
        return cls(tuple(classes), rows_of(names, weights, len(classes)))

    @property
    def weights(self) -> bytes:
        """The inverse of `of`."""
        return kept(self.rows.values(), len(self.classes))

    def chances(self, found: Sequence[str]) -> list[float]:
        """The probability of each class, in the order of `classes`; they add up to 1."""
        rows = self.rows
        known = [(row, SQUARES[name[0]]) for name in found if (row := rows.get(name)) is not None]
        if not known:
            return [1 / len(self.classes)] * len(self.classes)
        norm = math.sqrt(math.fsum([square for _, square in known])) * UNIT
        sums = totals([row for row, _ in known], len(self.classes))
        return softmax([total / norm for total in sums])

    def evidence(self, found: Iterable[str], name: str, rival: str) -> list[tuple[float, str]]:
        """How much each feature speaks for a class against its rival, most telling first."""
        one, other, width = self.classes.index(name), self.classes.index(rival), len(self.classes)
        known = ((self.rows[feature], feature) for feature in found if feature in self.rows)
        told = [(gap(row, one, other, width) / UNIT, feature) for row, feature in known]
        return sorted(told, key=lambda item: (-item[0], item[1]))


def softmax(scores: Sequence[float]) -> list[float]:
    """Scores as probabilities."""
    top = max(scores)
    powers = [math.exp(score - top) for score in scores]
    total = math.fsum(powers)
    return [power / total for power in powers]


def learned(examples: Sequence[tuple[Sequence[str], str]]) -> Linear:
    """Learn from features and their class. Seconds for some thousand examples."""
    counts = Counter(name for found, _ in examples for name in found)
    places = {name: place for place, name in enumerate(sorted(name for name in counts if counts[name] >= FEWEST))}
    classes = tuple(sorted({name for _, name in examples}))
    rows = [_row(found, places) for found, _ in examples]
    wanted = [classes.index(name) for _, name in examples]
    weights, width = [0] * len(places), len(classes)
    order, rate = list(range(len(rows))), RATE
    shuffler = random.Random(SEED)  # noqa: S311 an order of examples, not a secret
    for _ in range(EPOCHS):
        shuffler.shuffle(order)
        for one in order:
            kept = [each for each in rows[one] if shuffler.random() >= LEFT_OUT]
            _learn(weights, width, kept, wanted[one], rate)
        rate *= DECAY
    scale = UNIT * SHARPER / FINE
    whole = (max(-LARGEST, min(LARGEST, round(weight * scale))) for row in weights for weight in numbers_of(row, width))
    return Linear.of(classes, list(places), fields_of(whole))


Row = list[tuple[int, int]]
"""Places of features, and how much each weighs before anything is learned, in hundredths."""


def _row(found: Sequence[str], places: dict[str, int]) -> Row:
    return [(places[name], round(SQUARES[name[0]] * 100)) for name in found if name in places]


def _learn(weights: list[int], width: int, row: Row, wanted: int, rate: float) -> None:
    """One step: away from each class by what its chance is too high, towards the right one by what it lacks."""
    if not row:
        return
    norm = math.sqrt(sum([square for _, square in row]) / 100)
    totals = numbers_of(sum([weights[place] for place, _ in row]), width)
    lacks = [DOUBT / width - chance for chance in softmax([total / (norm * FINE) for total in totals])]
    lacks[wanted] += 1 - DOUBT
    step = signed([round(lack * rate / norm * FINE / 100) if abs(lack) > NEGLIGIBLE else 0 for lack in lacks])
    steps = {square: step * square for square in {square for _, square in row}}
    for place, square in row:
        weights[place] += steps[square]
