"""Why a debt is frozen: the part of `engine.debt.standing` that each conditional payment answers for. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from engine.debt import Hold, Owed, standing


@dataclass(frozen=True, slots=True)
class Frozen:
    """A hold, and the minor units it keeps from being collected; what other holds cover already is not counted."""

    hold: Hold
    amount: int


def reasons(owed: Sequence[Owed], holds: Sequence[Hold], today: date) -> list[Frozen]:
    """What each hold in force freezes, in the order given; the parts add up to real less conditional debt."""
    found: list[Frozen] = []
    covered = 0
    for count in range(1, len(holds) + 1):
        debt = standing(owed, holds[:count], today)
        frozen = debt.real - debt.conditional
        if frozen > covered:
            found.append(Frozen(holds[count - 1], frozen - covered))
        covered = frozen
    return found
