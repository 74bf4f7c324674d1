"""Promises to pay: their states, their terms, and the judgment of one whose last day is over. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class PromiseState(StrEnum):
    """Open until it is kept, or judged at 00:00 after its last day and its grace."""

    OPEN = "open"
    KEPT = "kept"
    PARTLY_KEPT = "partly_kept"
    BROKEN = "broken"
    WITHDRAWN = "withdrawn"
    REPLACED = "replaced"


@dataclass(frozen=True, slots=True)
class PromiseTerms:
    """How a promise was made: `grace` days are added to its last one, `threshold` percent of the sum keep it.

    No channel: an operator recorded it. No promiser: the client themselves.
    """

    channel: str | None = None
    grace: int = 0
    threshold: int = 100
    promiser: str | None = None


def judge(promised: int, paid: int, *, over: bool, threshold: int = 100) -> PromiseState:
    """Judge `promised` minor units with `paid` confirmed since it was made.

    The full sum keeps it at once, `threshold` percent of it keep it once it is `over`.
    """
    if paid >= promised or (over and paid * 100 >= promised * threshold):
        return PromiseState.KEPT
    if not over:
        return PromiseState.OPEN
    return PromiseState.PARTLY_KEPT if paid > 0 else PromiseState.BROKEN


def fulfilment(promised: int, paid: int) -> int:
    """The degree of fulfilment: how many whole percent of the sum were paid."""
    return min(paid * 100 // promised, 100)
