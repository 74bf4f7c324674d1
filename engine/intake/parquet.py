"""Parquet files as feeds leave them: the rows of a table, each cell as the text that a CSV file would hold."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from glob import escape
from pathlib import Path
from typing import TYPE_CHECKING

from engine.intake.records import SLICE, FeedError, Record, faults_of

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

TABLE = "read_parquet(?, hive_partitioning = false)"
"""What stands in the file alone: the names of folders say nothing of its rows."""
ALONE: dict[str, str | bool | int | float | list[str]] = {
    "threads": 1,
    "memory_limit": "1GB",
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
}
"""Nothing is fetched from the network, whatever a file asks for."""
ZONED = "TIMESTAMP WITH TIME ZONE"
PLAIN = re.compile(r'VARCHAR|DATE|UUID|"NULL"|DECIMAL\(.*\)|ENUM\(.*\)|U?[A-Z]*INT(EGER)?')
"""What is text as it stands."""


def records_of(path: Path, check: Callable[[list[str]], None]) -> Iterator[list[Record]]:
    """The rows, some at a time; the number of a row stands for its line. `check` refuses names of columns.

    Raises FeedError.
    """
    with _opened(path) as connection:
        connection.execute(f"describe select * from {TABLE}", [_named(path)])
        columns = [(name, kind) for name, kind, *_ in connection.fetchall()]
        names = [name.strip().lower() for name, _ in columns]
        check(names)
        texts = ", ".join(_text(path, name, kind) for name, kind in columns)
        connection.execute(f"select {texts} from {TABLE}", [_named(path)])
        line = 0
        while rows := connection.fetchmany(SLICE):
            yield [_record(number, names, row) for number, row in enumerate(rows, line + 1)]
            line += len(rows)


def count_of(path: Path) -> int:
    """How many rows there are. Raises FeedError."""
    with _opened(path) as connection:
        connection.execute(f"select count(*) from {TABLE}", [_named(path)])
        return int(connection.fetchall()[0][0])


@contextmanager
def _opened(path: Path) -> Iterator[DuckDBPyConnection]:
    try:
        import duckdb  # noqa: PLC0415 - only who imports such a file needs it
    except ImportError as missing:
        remedy = "Parquet files are read with DuckDB; install it with: pip install 'amiable[parquet]'"
        raise FeedError(path, 0, remedy) from missing
    try:
        with duckdb.connect(config=ALONE) as connection:
            yield connection
    except duckdb.OutOfMemoryException as error:
        raise FeedError(path, 0, "its row groups are too large to be read; write it with smaller ones") from error
    except duckdb.IOException as error:
        raise FeedError(path, 0, f"cannot be read: {_told(error)}") from error
    except duckdb.Error as error:
        raise FeedError(path, 0, f"is no Parquet file as it should be: {_told(error)}") from error


def _named(path: Path) -> str:
    """As DuckDB finds the file of that very name."""
    return escape(str(path.absolute()))


def _told(error: Exception) -> str:
    return str(error).partition("\n")[0]


def _text(path: Path, name: str, kind: str) -> str:
    """An expression for the text of a column's cells."""
    column = '"' + name.replace('"', '""') + '"'
    if kind == "VARCHAR[]":
        return f"array_to_string({column}, ',')"
    if kind in {"DOUBLE", "FLOAT"}:  # whole numbers are often kept so where some are missing
        whole = f"{column} = floor({column}) and abs({column}) < 1e15"
        return f"case when {whole} then {column}::bigint::varchar else {column}::varchar end"
    if kind == ZONED:
        return f"make_timestamp(epoch_us({column}))::varchar || '+00'"
    if kind.startswith("TIMESTAMP"):  # days are often kept as their first moment
        return f"case when {column} = {column}::date then {column}::date::varchar else {column}::varchar end"
    if PLAIN.fullmatch(kind):
        return f"{column}::varchar"
    raise FeedError(path, 0, f"the column '{name}' holds {kind}; it must be of texts, numbers, days or times")


def _record(line: int, names: Sequence[str], row: Sequence[str | None]) -> Record:
    cells = {name: (cell or "").strip() for name, cell in zip(names, row, strict=True)}
    return Record(line, cells, faults_of(cells))
