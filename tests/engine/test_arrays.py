"""Arrays in binary: the store reads what was given, and as the type it was given as."""

from __future__ import annotations

from uuid import UUID

import pytest
from sqlalchemy import text

from engine.store.arrays import Array, blobs, numbers, texts, uuids
from engine.store.session import Database

ONE, OTHER = UUID(int=1), UUID(int=2**128 - 1)


@pytest.mark.parametrize(
    ("array", "type_", "values"),
    [
        (numbers([0, -1, 2**63 - 1, -(2**63)]), "bigint[]", [0, -1, 2**63 - 1, -(2**63)]),
        (uuids([ONE, OTHER]), "uuid[]", [ONE, OTHER]),
        (texts(["", "ăț", None, "{a,b}"]), "text[]", ["", "ăț", None, "{a,b}"]),
        (blobs([b"", b"\0\xff"]), "bytea[]", [b"", b"\0\xff"]),
        (numbers([]), "bigint[]", []),
        (texts([None]), "text[]", [None]),
    ],
)
async def test_the_store_reads_what_it_is_given(
    database: Database, array: Array, type_: str, values: list[object]
) -> None:
    asked = text("select pg_typeof(:array)::text, :array")
    async with database.read() as session:
        ((read_type, read),) = await session.execute(asked, {"array": array})
    assert (read_type, read) == (type_, values)
