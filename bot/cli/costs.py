"""What scripts cost by SMS, as a table in Markdown or as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from functools import reduce
from itertools import groupby
from typing import Any

from bot.markdown import table
from dialogs.checks.cost import Cost, Segments
from dialogs.plain import LANGUAGES

PLACE = "<!-- written by `amiable check --segments --into` -->"
"""In a page, the table follows it."""
ALL = "all first turns"


def cost_table(costs: Sequence[Cost], price: Decimal | None = None) -> str:
    """A row a script, a column a language and way of writing: the first turn and the longest, in segments or money."""
    languages = list(dict.fromkeys(cost.language for cost in costs))
    head = ["script", *languages, *(f"{language} plain" for language in languages if language in LANGUAGES)]
    rows = [(script, *_cells(list(row), price)) for script, row in groupby(costs, key=lambda cost: cost.script)]
    totals = [_total(costs, language) for language in languages]
    return table(head, [*rows, (ALL, *_cells(totals, price))])


def as_json(cost: Cost, price: Decimal | None = None) -> dict[str, Any]:
    """One script in one language; with a price, what each figure comes to."""
    figures = {
        "first": cost.first.usual,
        "longest": cost.longest.usual,
        "first_plain": cost.first.plain,
        "longest_plain": cost.longest.plain,
    }
    money = {f"{name}_price": str(price * figure) for name, figure in figures.items()} if price is not None else {}
    return {"script": cost.script, "language": cost.language, **figures, **money}


def _total(costs: Iterable[Cost], language: str) -> Cost:
    first = reduce(Segments.__add__, (cost.first for cost in costs if cost.language == language))
    return Cost(ALL, language, first, Segments())


def _cells(row: Sequence[Cost], price: Decimal | None) -> Iterator[str]:
    for cost in row:
        yield _cell(cost.first.usual, cost.longest.usual, price)
    for cost in row:
        if cost.language in LANGUAGES:
            yield _cell(cost.first.plain, cost.longest.plain, price)


def _cell(first: int, longest: int, price: Decimal | None) -> str:
    """Both figures; one alone where the other is none."""
    figures = [figure for figure in (first, longest) if figure]
    return " · ".join(str(figure if price is None else price * figure) for figure in figures)
