"""Promises to pay: their states, and the judgment of one whose last day is over."""

from __future__ import annotations

from enum import StrEnum


class PromiseState(StrEnum):
    """Open until it is kept, or judged at 00:00 after its last day."""

    OPEN = "open"
    KEPT = "kept"
    PARTLY_KEPT = "partly_kept"
    BROKEN = "broken"
    WITHDRAWN = "withdrawn"
    REPLACED = "replaced"


def judge(promised: int, paid: int, *, over: bool) -> PromiseState:
    """Judge `promised` minor units with `paid` confirmed since it was made; `over` once its last day is past."""
    if paid >= promised:
        return PromiseState.KEPT
    if not over:
        return PromiseState.OPEN
    return PromiseState.PARTLY_KEPT if paid > 0 else PromiseState.BROKEN
