"""Days, sums, counts and shares of a reply, as people write them in four languages and any spelling."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date

from dialogs.reading.dates import days
from dialogs.reading.marks import tokens
from dialogs.reading.money import money
from dialogs.reading.numerals import joined
from dialogs.reading.patterns import Row, row_of, row_over
from dialogs.reading.reading import Asked, Named

CLAUSE_ENDS = ("stop", "comma", "rest")
DAY_TAKEN = {"day_taken": ""}


def values(
    plain: str, row: str, language: str, languages: tuple[str, ...], today: date, asked: Asked, *, past: bool
) -> Named:
    """The values of a normalised text in `language`; `row` is its words, `past` says that it tells of money paid."""
    if not row.strip():
        return Named()
    marks = row_over(token.marks for token in joined(tokens(plain, language, languages)))
    named = days(marks, today, asked, _tense(marks, past=past))
    said = money(_masked(marks, named.taken), asked)
    return replace(said, dates=named.days, why=(*named.why, *said.why))


def _masked(row: Row, taken: frozenset[int]) -> Row:
    """The row without the marks of its days: their numbers are no sums."""
    if not taken:
        return row
    return row_of(DAY_TAKEN if spot in taken else marks for spot, marks in enumerate(row.tokens))


def _tense(row: Row, *, past: bool) -> Callable[[int], bool]:
    """Whether a token speaks of a payment made: from where one is told of, save in clauses about what is to come."""
    if not past and not any(_is_told(row, spot) for spot in row.places.get("already", ())):
        return lambda _spot: False
    tenses: list[bool] = []
    clause: list[int] = []
    for spot in range(len(row.tokens) + 1):
        if spot < len(row.tokens) and not row.has(spot, *CLAUSE_ENDS):
            clause.append(spot)
            continue
        told = any(_is_told(row, one) for one in clause)
        coming = any(row.has(one, "future") for one in (clause[0] - 1, *clause)) if clause else False
        before = tenses[-1] if tenses else True
        tenses += [told or (before and not coming)] * (len(clause) + 1)
        clause = []
    return lambda spot: tenses[spot]


def _is_told(row: Row, spot: int) -> bool:
    return row.has(spot, "already") and not any(row.has(before, "toget") for before in range(max(0, spot - 2), spot))
