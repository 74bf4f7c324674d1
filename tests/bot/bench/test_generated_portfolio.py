"""The portfolio of the benchmarks: the same from the same seed, of the shape it says, and with books that balance."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any

import psycopg
import pytest
from psycopg import sql

from bot.bench.address import plain
from bot.bench.outcome import unbalanced
from bot.bench.paying import pay
from bot.bench.portfolio import DAY, LOADED, make_portfolio

CLIENTS = 2_000
MORNING = datetime.combine(DAY, time(6), UTC)
SHAPE = {
    "accounts": ("select count(*) from accounts", 1.3),
    "bills": ("select count(*) from invoices", 3.9),
    "payments": ("select count(*) from payments", 3.2),
    "unpaid bills": ("select count(*) from invoices where balance > 0", 0.66),
    "overdue bills": ("select count(*) from invoices where balance > 0 and due <= '2026-03-13'", 0.39),
    "debtors": ("select count(distinct client_id) from invoices where balance > 0 and due <= '2026-03-13'", 0.2),
    "cases under way": ("select count(*) from cases where closed_at is null", 0.16),
    "cases that are over": ("select count(*) from cases where closed_at is not null", 0.5),
    "contacts": ("select count(*) from contacts", 1.0),
}
GUARDS = """
select 'index', indexname::text from pg_indexes where schemaname = 'public'
union all select 'constraint', conname from pg_constraint where connamespace = 'public'::regnamespace
union all select 'trigger', tgrelid::regclass || '.' || tgname from pg_trigger
  where not tgisinternal and tgenabled = 'O'
order by 1, 2
"""


def unwatched(_what: str, _done: int, _total: int) -> None:
    """Nobody looks on."""


def asked(url: str, question: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(plain(url)) as connection:
        return connection.execute(question.encode()).fetchall()


def content(url: str) -> dict[str, int]:
    """A sum of hashes of the rows of each table: it does not depend on their order."""
    whole = sql.SQL("select coalesce(sum(hashtextextended(one::text, 0)::numeric), 0) from {} one")
    with psycopg.connect(plain(url)) as connection:
        return {
            table: int(connection.execute(whole.format(sql.Identifier(table))).fetchall()[0][0]) for table in LOADED
        }


def empty(url: str) -> None:
    with psycopg.connect(plain(url)) as connection:
        connection.execute("truncate clients, cases restart identity cascade")


async def test_has_the_shape_it_says_and_balanced_books(database_url: str) -> None:
    guards = asked(database_url, GUARDS)
    await make_portfolio(database_url, CLIENTS, 7, unwatched)
    counted = {what: asked(database_url, question)[0][0] / CLIENTS for what, (question, _) in SHAPE.items()}
    assert counted == {what: pytest.approx(share, rel=0.15) for what, (_, share) in SHAPE.items()}
    assert unbalanced(plain(database_url)) == 0
    assert asked(database_url, GUARDS) == guards, "every key, index and trigger is up again"


async def test_is_the_same_from_the_same_seed_and_another_from_another(database_url: str) -> None:
    found = []
    for seed in (7, 7, 8):
        empty(database_url)
        await make_portfolio(database_url, 300, seed, unwatched)
        found.append(content(database_url))
    assert found[0] == found[1]
    differing = {table for table in LOADED if found[1][table] != found[2][table]}
    assert {"clients", "accounts", "invoices", "payments", "cases", "contacts"} <= differing


async def test_payments_made_on_it_are_booked_in_full(database_url: str) -> None:
    await make_portfolio(database_url, CLIENTS, 7, unwatched)
    paid = pay(plain(database_url), 30, 1, MORNING + timedelta(days=1))
    again = pay(plain(database_url), 30, 2, MORNING + timedelta(days=2))
    assert (paid, again) == (30, 30)
    assert unbalanced(plain(database_url)) == 0
    assert asked(database_url, "select count(distinct client_id) from changed_clients")[0][0] >= 30
