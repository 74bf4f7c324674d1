"""Arrays as PostgreSQL takes them in binary: of a batch's values, the driver's own writing of lists as text costs most.

What is made here stands among a statement's values in the place of a list.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
from psycopg.abc import AdaptContext, PyFormat
from psycopg.adapt import Dumper
from psycopg.pq import Format

HEAD, EMPTY = struct.Struct(">iIIii").pack, struct.Struct(">iII").pack
"""Dimensions, whether there are nulls, the elements' type; of the one dimension, its length and lowest subscript."""
LENGTH = struct.Struct(">i").pack
NULL = LENGTH(-1)
NUMBER, SMALL, FLAG = struct.Struct(">iq").pack, struct.Struct(">ii").pack, struct.Struct(">i?").pack
"""A value that is always as long, with its length before it."""
FIRST_DAY, FIRST_MOMENT = date(2000, 1, 1).toordinal(), datetime(2000, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
DOCUMENT = b"\x01"
"""The edition of the binary form of jsonb: the text follows."""


@dataclass(frozen=True, slots=True)
class Array:
    """An array in its binary form, of the type with this number."""

    type: int
    data: bytes


class ArrayDumper(Dumper):
    """Hands over what is in its binary form already."""

    format = Format.BINARY

    def get_key(self, obj: Array, format: PyFormat) -> tuple[type, int]:  # type: ignore[override]  # noqa: A002 psycopg's
        return (self.cls, obj.type)

    def upgrade(self, obj: Array, format: PyFormat) -> ArrayDumper:  # noqa: A002 psycopg's name
        typed = ArrayDumper(self.cls)
        typed.oid = obj.type
        return typed

    def dump(self, obj: Array) -> bytes:
        return obj.data


def take_arrays(context: AdaptContext) -> None:
    """Let a connection's statements be given arrays."""
    context.adapters.register_dumper(Array, ArrayDumper)


def numbers(values: Iterable[int | None]) -> Array:
    """A bigint[]."""
    return _array(20, 1016, (NULL if value is None else NUMBER(8, value) for value in values))


def small_numbers(values: Iterable[int | None]) -> Array:
    """An integer[]."""
    return _array(23, 1007, (NULL if value is None else SMALL(4, value) for value in values))


def flags(values: Iterable[bool | None]) -> Array:
    """A boolean[]."""
    return _array(16, 1000, (NULL if value is None else FLAG(1, value) for value in values))


def days(values: Iterable[date | None]) -> Array:
    """A date[]."""
    return _array(1082, 1182, (NULL if one is None else SMALL(4, one.toordinal() - FIRST_DAY) for one in values))


def moments(values: Iterable[datetime | None]) -> Array:
    """A timestamptz[]."""
    told = (NULL if one is None else NUMBER(8, (one - FIRST_MOMENT) // MICROSECOND) for one in values)
    return _array(1184, 1185, told)


def uuids(values: Iterable[UUID]) -> Array:
    """A uuid[]."""
    return _array(2950, 2951, (_told(value.bytes) for value in values))


def texts(values: Iterable[str | None]) -> Array:
    """A text[]."""
    return _array(25, 1009, (NULL if value is None else _told(value.encode()) for value in values))


def documents(values: Iterable[bytes | None]) -> Array:
    """A jsonb[] of JSON texts."""
    return _array(3802, 3807, (NULL if value is None else _told(DOCUMENT + value) for value in values))


def blobs(values: Iterable[bytes | None]) -> Array:
    """A bytea[]."""
    return _array(17, 1001, (NULL if value is None else _told(value) for value in values))


ARRAYS: Mapping[str, Callable[[Iterable[Any]], Array]] = {
    "bigint": numbers,
    "integer": small_numbers,
    "boolean": flags,
    "date": days,
    "timestamptz": moments,
    "text": texts,
    "jsonb": documents,
}
"""By the elements' type."""


def _told(value: bytes) -> bytes:
    return LENGTH(len(value)) + value


def _array(element: int, array: int, values: Iterable[bytes]) -> Array:
    """Of types of these numbers, fixed in PostgreSQL's catalog; each of the values with its length before it."""
    try:
        parts = list(values)
    except struct.error as fault:
        raise psycopg.DataError(f"A number does not fit into its column: {fault}") from fault
    if not parts:
        return Array(array, EMPTY(0, 0, element))
    return Array(array, HEAD(1, NULL in parts, element, len(parts), 1) + b"".join(parts))
