"""Parquet files as a warehouse leaves them: typed cells are read as the text that a CSV file would hold."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from engine.intake.feed import Feed
from engine.intake.records import SLICE, FeedError, Record
from engine.intake.rows import COLUMNS, Kind

ACCOUNT = "'A1' as account, 'ana' as client, 'acme' as provider, 'tv' as service, 'RON' as currency"
ROW = {"account": "A1", "client": "ana", "provider": "acme", "service": "tv", "currency": "RON"}
PAYMENT = "7 as payment, 'A1' as account, 12.50::decimal(10, 2) as amount, timestamp '2026-03-01 00:00:00' as paid_at"

Written = Callable[..., Feed]


@pytest.fixture
def written(tmp_path: Path) -> Written:
    """A file of the rows that a query gives."""

    def write(query: str, kind: Kind = Kind.ACCOUNTS, name: str = "feed.parquet") -> Feed:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with duckdb.connect() as connection:
            connection.execute(f"copy ({query}) to '{path}' (format parquet)")
        return Feed(path, COLUMNS[kind])

    return write


def fault(feed: Feed) -> str:
    with pytest.raises(FeedError) as refused:
        list(feed.records())
    return str(refused.value).replace(str(feed.path), feed.path.name)


@pytest.mark.parametrize("name", ["feed.parquet", "feed.PARQUET", "[2026]*?.parquet", "year=2026/account=9/a.parquet"])
def test_rows_are_numbered_and_named_as_in_any_file(written: Written, name: str) -> None:
    capital = ACCOUNT.replace("as client", 'as "Client "')
    feed = written(f"select {capital} from range(2)", name=name)
    assert [record.cells for record in feed.records()] == [ROW, ROW]
    assert [record.line for record in feed.records()] == [1, 2]
    assert feed.lines() == 2


def test_typed_cells_become_what_a_csv_file_would_say(written: Written) -> None:
    assert list(written(f"select {PAYMENT}, null::varchar as status", Kind.PAYMENTS).records()) == [
        Record(1, {"payment": "7", "account": "A1", "amount": "12.50", "paid_at": "2026-03-01", "status": ""}, {})
    ]


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        ("timestamp '2026-03-01 09:30:00'", "2026-03-01 09:30:00"),
        ("timestamp '2026-03-01 00:00:00'::timestamp_ns", "2026-03-01"),
        ("timestamptz '2026-03-01 09:30:00+02'", "2026-03-01 07:30:00+00"),
        ("date '2026-03-01'", "2026-03-01"),
    ],
)
def test_a_moment_keeps_its_zone_and_a_midnight_is_a_day(written: Written, moment: str, text: str) -> None:
    (record,) = written(
        f"select 7 as payment, 'A1' as account, 1 as amount, {moment} as paid_at", Kind.PAYMENTS
    ).records()
    assert record.cells["paid_at"] == text


@pytest.mark.parametrize(
    ("number", "text"),
    [("7::double", "7"), ("12.5::double", "12.5"), ("7::utinyint", "7"), ("-7::hugeint", "-7"), ("null", "")],
)
def test_a_number_is_written_without_a_point_that_says_nothing(written: Written, number: str, text: str) -> None:
    (record,) = written(
        f"select {number} as payment, 'A1' as account, 1 as amount, 'x' as paid_at", Kind.PAYMENTS
    ).records()
    assert record.cells["payment"] == text


def test_many_rows_come_some_at_a_time(written: Written) -> None:
    feed = written(f"select 'A' || n as account, {ACCOUNT.partition(', ')[2]} from range({SLICE + 2}) numbers(n)")
    assert [len(list(block)) for block in feed.blocks() if isinstance(block, list)] == [SLICE, 2]
    assert [record.line for record in feed.records()][-1] == SLICE + 2


def test_a_table_that_is_not_of_this_kind_is_refused(written: Written) -> None:
    assert "unknown column 'colour'" in fault(written(f"select {ACCOUNT}, 'red' as colour"))
    assert "the column 'account' is missing" in fault(written("select 'ana' as client"))
    blob = ACCOUNT.replace("'tv'", "'tv'::blob")
    assert "the column 'service' holds BLOB" in fault(written(f"select {blob}"))
    listed = ACCOUNT.replace("'tv'", "[1.50]")
    assert "the column 'service' holds DECIMAL(3,2)[]" in fault(written(f"select {listed}"))


def test_what_is_no_parquet_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    assert "cannot be read" in fault(Feed(path, COLUMNS[Kind.ACCOUNTS]))
    path.write_bytes(b"account,client\nA1,ana\n")
    assert fault(Feed(path, COLUMNS[Kind.ACCOUNTS])).startswith("a.parquet: is no Parquet file as it should be: ")
