"""Arrays in binary: the store reads what was given, and as the type it was given as."""

from __future__ import annotations

from datetime import UTC, date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text

from engine.store.arrays import Array, blobs, days, documents, flags, moments, numbers, small_numbers, texts, uuids
from engine.store.session import Database

EARLY = datetime(1999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)
LATE = datetime(2026, 3, 29, 12, 0, 0, 1, tzinfo=ZoneInfo("Europe/Bucharest"))
ONE, OTHER = UUID(int=1), UUID(int=2**128 - 1)


@pytest.mark.parametrize(
    ("array", "type_", "values"),
    [
        (numbers([0, -1, 2**63 - 1, -(2**63)]), "bigint[]", [0, -1, 2**63 - 1, -(2**63)]),
        (uuids([ONE, OTHER]), "uuid[]", [ONE, OTHER]),
        (texts(["", "ăț", None, "{a,b}"]), "text[]", ["", "ăț", None, "{a,b}"]),
        (small_numbers([0, None, 2**31 - 1, -(2**31)]), "integer[]", [0, None, 2**31 - 1, -(2**31)]),
        (flags([True, None, False]), "boolean[]", [True, None, False]),
        (
            days([date(1999, 12, 31), None, date.max, date.min]),
            "date[]",
            [date(1999, 12, 31), None, date.max, date.min],
        ),
        (moments([EARLY, None, LATE]), "timestamp with time zone[]", [EARLY, None, LATE]),
        (documents(['{"a": [1, "ă"]}'.encode(), None]), "jsonb[]", [{"a": [1, "ă"]}, None]),
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
