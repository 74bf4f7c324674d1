"""Rows of whole numbers, each kept as one large integer, so that many rows are added in all columns at once.

What is kept and read from is in narrow columns, each lifted above nothing; what is being learned in wide, signed ones.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterable, Sequence
from functools import cache

ORDER = sys.byteorder
FIELD = 4
"""Bytes of a column: 65,536 rows are added without a carry."""
BIAS = 1 << 15
"""Added to each number, so that none is below nothing; numbers lie between -BIAS and BIAS."""
WIDE = 8
"""Bytes of a signed column."""
HALF = 1 << 62
"""What the numbers of a signed column, and their sums, stay below; it lifts them above nothing to be read."""


def rows_of(names: Sequence[str], fields: bytes, width: int) -> dict[str, int]:
    """The row of each name from all fields one after the other, as `fields_of` made them."""
    size = FIELD * width
    return {name: int.from_bytes(fields[place * size : place * size + size], ORDER) for place, name in enumerate(names)}


def fields_of(numbers: Iterable[int]) -> bytes:
    """Numbers of all rows one after the other as fields."""
    return array("I", [number + BIAS for number in numbers]).tobytes()


def kept(rows: Iterable[int], width: int) -> bytes:
    """The inverse of `rows_of`."""
    return b"".join(row.to_bytes(FIELD * width, ORDER) for row in rows)


def gap(row: int, one: int, other: int, width: int) -> int:
    """By how much the number of one column is above that of another."""
    fields = array("I", row.to_bytes(FIELD * width, ORDER))
    return fields[one] - fields[other]


def totals(rows: Sequence[int], width: int, summed: int | None = None) -> list[int]:
    """The sum of rows, column by column; `summed` says of how many, where some of them are sums already."""
    most = BIAS * (len(rows) if summed is None else summed)
    return [field - most for field in array("I", sum(rows).to_bytes(FIELD * width, ORDER))]


def signed(numbers: Sequence[int]) -> int:
    """Numbers as one row of signed columns: it may be added to others, and multiplied by a whole number."""
    return int.from_bytes(array("Q", [number + HALF for number in numbers]).tobytes(), ORDER) - _lift(len(numbers))


def numbers_of(row: int, width: int) -> list[int]:
    """The inverse of `signed`."""
    return [field - HALF for field in array("Q", (row + _lift(width)).to_bytes(WIDE * width, ORDER))]


@cache
def _lift(width: int) -> int:
    return int.from_bytes(array("Q", [HALF] * width).tobytes(), ORDER)
