"""A portfolio of any size in seconds, made set by set inside PostgreSQL: the same seed gives the same rows.

Per client: 1.3 accounts, 3.9 bills of the last ten weeks (17 % unpaid, 10 % overdue), 3.2 payments and the ledger of
all that; one in five clients owes, 15 % are being worked and half have been before. 5 % made a promise, 1 % dispute a
bill, 2 % agreed on installments; a few are paused or exempt. The shape is the same at every size.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from bot.bench.address import plain
from bot.bench.figures import Watch
from engine.document import read
from engine.store.plans import publish_plans, read_plans
from engine.store.session import Database

FOLDER = Path(__file__).parent
PLANS = FOLDER / "plans.yaml"
BOOKS, WORK = FOLDER / "books.sql", FOLDER / "work.sql"
DAY = date(2026, 3, 13)
"""The Friday up to which the portfolio's history goes."""
MAKING = "making a portfolio"
LOADED = (
    *("clients", "addresses", "accounts", "invoices", "payments", "ledger_entries", "promises", "appropriations"),
    *("disputes", "installment_plans", "installments", "dunning_pauses", "exemptions", "cases", "decisions"),
    *("case_events", "contacts", "conversations", "messages", "outbound", "attempts", "service_orders", "tasks"),
    "deferrals",
)
"""The tables that are filled set by set."""

WORDS = """
create schema bench;
set local search_path to bench, public;
set local maintenance_work_mem to '256MB';
set local work_mem to '128MB';
create function today() returns date language sql immutable parallel safe as $$ select {day}::date $$;
create function amount_of_clients() returns bigint language sql immutable parallel safe as $$ select {clients} $$;
create function draw(id bigint, what text) returns double precision language sql immutable parallel safe as $$
  select (hashint8extended(id, hashtextextended(what, {seed})) & 9007199254740991)::double precision / 9007199254740992
$$;
"""
"""What books.sql and work.sql are written in. `draw` is a number of [0, 1) that is chance to look at."""

KEYS = """
select c.conrelid::regclass::text, c.conname, pg_get_constraintdef(c.oid) from pg_constraint c
where c.conrelid = any(%s::regclass[]) and c.contype in ('f', 'u') order by c.contype = 'f', c.conname
"""
INDEXES = """
select i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid) from pg_index i
where i.indrelid = any(%s::regclass[]) and not exists (select from pg_constraint c where c.conindid = i.indexrelid)
order by 1
"""
NUMBERED = """
select table_name, column_name from information_schema.columns
where is_identity = 'YES' and table_name = any(%s) order by 1
"""

Connection = psycopg.Connection[tuple[Any, ...]]


async def make_portfolio(url: str, clients: int, seed: int, watch: Watch) -> None:
    """Fill an empty, migrated database. Plans are published first, as an admin would."""
    database = Database(url)
    try:
        async with database.write() as session:
            root = read(PLANS)
            groups = root.mapping(("groups", "plans"))["groups"].texts()
            await publish_plans(session, groups, read_plans(root, "RON"))
    finally:
        await database.close()
    with psycopg.connect(plain(url)) as connection:
        _load(connection, clients, seed, watch)
    with psycopg.connect(plain(url), autocommit=True) as connection:
        watch("tidying it up", 0, 0)
        connection.execute("vacuum (analyze)")


def _load(connection: Connection, clients: int, seed: int, watch: Watch) -> None:
    """Rows first, then what watches over them: a key is built much faster than it is kept."""
    statements = [*_statements(BOOKS), *_statements(WORK)]
    connection.execute(sql.SQL(WORDS).format(day=DAY.isoformat(), clients=clients, seed=seed))
    with _unguarded(connection, watch):
        for number, statement in enumerate(statements):
            watch(MAKING, number, len(statements))
            connection.execute(statement)
    connection.execute("drop schema bench cascade")


def _statements(file: Path) -> list[bytes]:
    """What stands between empty lines; sent together, as a comment and its statement are."""
    return file.read_bytes().split(b"\n\n")


@contextmanager
def _unguarded(connection: Connection, watch: Watch) -> Iterator[None]:
    """Take down triggers, foreign and unique keys and indexes of the loaded tables, and put all up again."""
    tables = list(LOADED)
    keys = connection.execute(KEYS, [tables]).fetchall()
    for table, name, _ in reversed(keys):
        connection.execute(f"alter table {table} drop constraint {name}".encode())
    indexes = connection.execute(INDEXES, [tables]).fetchall()
    for index, _ in indexes:
        connection.execute(f"drop index {index}".encode())
    for table in tables:
        connection.execute(f"alter table {table} disable trigger user".encode())
    yield
    for table, column in connection.execute(NUMBERED, [tables]).fetchall():
        highest = sql.SQL("select max({}) from {}").format(sql.Identifier(column), sql.Identifier(table))
        connection.execute(
            sql.SQL("select setval(pg_get_serial_sequence({}, {}), ({}))").format(table, column, highest)
        )
    rebuilt = [statement for _, statement in indexes]
    rebuilt += [f"alter table {table} add constraint {name} {definition}" for table, name, definition in keys]
    for number, statement in enumerate(rebuilt):
        watch("making its indexes and keys", number, len(rebuilt))
        connection.execute(statement.encode())
    for table in tables:
        connection.execute(f"alter table {table} enable trigger user".encode())
