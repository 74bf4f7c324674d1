"""Arrays as PostgreSQL takes them in binary: of a batch's values, the driver's own writing of lists as text costs most.

What is made here stands among a statement's values in the place of a list.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from struct import Struct
from uuid import UUID

from psycopg.abc import AdaptContext, PyFormat
from psycopg.adapt import Dumper
from psycopg.pq import Format

HEAD, EMPTY = Struct(">iIIii").pack, Struct(">iII").pack
"""Dimensions, whether there are nulls, the elements' type; of the one dimension, its length and lowest subscript."""
LENGTH, NUMBER = Struct(">i").pack, Struct(">q").pack
NULL = LENGTH(-1)
BYTEA, BIGINT, TEXT, UUIDS = (17, 1001), (20, 1016), (25, 1009), (2950, 2951)
"""Types of elements and of their arrays, by their fixed numbers in PostgreSQL's catalog."""


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


def numbers(values: Iterable[int]) -> Array:
    """A bigint[]."""
    return _array(BIGINT, [NUMBER(value) for value in values])


def uuids(values: Iterable[UUID]) -> Array:
    """A uuid[]."""
    return _array(UUIDS, [value.bytes for value in values])


def texts(values: Iterable[str | None]) -> Array:
    """A text[]."""
    return _array(TEXT, [None if value is None else value.encode() for value in values])


def blobs(values: Iterable[bytes | None]) -> Array:
    """A bytea[]."""
    return _array(BYTEA, list(values))


def _array(types: tuple[int, int], elements: Sequence[bytes | None]) -> Array:
    element, array = types
    if not elements:
        return Array(array, EMPTY(0, 0, element))
    parts = [NULL if one is None else LENGTH(len(one)) + one for one in elements]
    return Array(array, HEAD(1, None in elements, element, len(parts), 1) + b"".join(parts))
