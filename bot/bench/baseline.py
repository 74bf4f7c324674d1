"""The bare work a decision run is measured against: reading what it has to read, and writing what it has written.

S is one sequential scan, by one process, of every table that facts are read from. C is COPY of the rows a run wrote
into empty tables with the same indexes, checks and foreign keys, committed.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import ExitStack
from tempfile import TemporaryFile
from typing import IO, Any

import psycopg
from psycopg import sql

READ = (
    *("clients", "plans", "accounts", "invoices", "payments", "promises", "disputes", "installment_plans"),
    *("installments", "appropriations", "exemptions", "dunning_pauses", "cases", "deferrals", "decisions"),
    *("contacts", "conversations", "outbound", "service_orders", "tasks"),
)
"""What facts come from. Not the ledger, addresses and talks: a run does not read them, and they would flatter it."""

WRITTEN = ("cases", "contacts", "service_orders", "tasks", "case_events", "decisions", "payments", "installment_plans")
"""What a run writes, a table before those that refer to it."""

TIMES = 3

SCAN = """
set max_parallel_workers_per_gather = 0;
set enable_indexscan = off;
set enable_indexonlyscan = off;
set enable_bitmapscan = off
"""
LAST_COLUMN = """
select attname from pg_attribute where attrelid = %s::regclass and attnum > 0 and not attisdropped
order by attnum desc limit 1
"""
REFERENCES = """
select conname, pg_get_constraintdef(oid) from pg_constraint where conrelid = %s::regclass and contype = 'f'
"""

Connection = psycopg.Connection[Any]


def scan_seconds(address: str) -> float:
    """S: the quickest of three scans, after one that warms the caches up."""
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(SCAN)
        counts = [_count(connection, table) for table in READ]
        return min([_timed(connection, counts) for _ in range(1 + TIMES)])


def _count(connection: Connection, table: str) -> sql.Composed:
    """Counting the last column takes every row apart, and leaves what is stored apart where it is."""
    row = connection.execute(LAST_COLUMN, [table]).fetchone()
    column = sql.Identifier(row[0] if row else "id")
    return sql.SQL("select count({}) from {}").format(column, sql.Identifier(table))


def _timed(connection: Connection, commands: list[sql.Composed]) -> float:
    began = time.perf_counter()
    for command in commands:
        connection.execute(command)
    return time.perf_counter() - began


def transaction(address: str) -> int:
    """The number of a transaction of now: what is written later has a higher one."""
    with psycopg.connect(address, autocommit=True) as connection:
        row = connection.execute("select pg_current_xact_id()::text::bigint").fetchone()
        return int(row[0]) if row else 0


def copy_seconds(address: str, since: int) -> tuple[float, int]:
    """C, the quickest of three, and how many rows it is: those written by transactions after `since`."""
    with psycopg.connect(address, autocommit=True) as connection, ExitStack() as opened:
        connection.execute("create schema bench")
        files = {table: opened.enter_context(TemporaryFile()) for table in WRITTEN}
        rows = sum(_written(connection, table, since, file) for table, file in files.items())
        seconds = min([_copied(connection, files) for _ in range(TIMES)])
        connection.execute("drop schema bench cascade")
    return seconds, rows


def _written(connection: Connection, table: str, since: int, file: IO[bytes]) -> int:
    """The rows of a table that a run wrote, into a file; and an empty table like it to take them. How many they are."""
    name, copy = sql.Identifier(table), sql.Identifier("bench", table)
    connection.execute(sql.SQL("create table {} (like {} including all)").format(copy, name))
    for key, definition in connection.execute(REFERENCES, [table]).fetchall():
        connection.execute(
            sql.SQL("alter table {} add constraint {} ").format(copy, sql.Identifier(key)) + sql.SQL(definition)
        )
    command = sql.SQL("copy (select * from {} where xmin::text::bigint > {}) to stdout (format binary)")
    with connection.cursor() as cursor:
        with cursor.copy(command.format(name, since)) as copied:
            for block in copied:
                file.write(block)
        return cursor.rowcount


def _copied(connection: Connection, files: Mapping[str, IO[bytes]]) -> float:
    for table in reversed(WRITTEN):
        connection.execute(sql.SQL("truncate {}").format(sql.Identifier("bench", table)))
    began = time.perf_counter()
    with connection.transaction(), connection.cursor() as cursor:
        for table, file in files.items():
            file.seek(0)
            command = sql.SQL("copy {} from stdin (format binary)").format(sql.Identifier("bench", table))
            with cursor.copy(command) as copy:
                while block := file.read(1 << 16):
                    copy.write(block)
    return time.perf_counter() - began
