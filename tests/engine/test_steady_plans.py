"""Plans of statements: those of a run are made once, by indexes, and anew when tables have grown; no others change."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from engine.store.feed import changed_since, snapshot
from engine.store.growth import GROWTH, Growth
from engine.store.session import Database, ReadSession, driver, pipelined, steadily

SETTINGS = text("select current_setting('plan_cache_mode'), current_setting('enable_seqscan')")
STEADY, USUAL = ("force_generic_plan", "off"), ("auto", "on")


class Alone(Database):
    """One connection for reading and one for writing, so that who comes next has the same one. It counts plans anew."""

    def __init__(self, url: str) -> None:
        super().__init__(url, pool=1)
        self.anew = 0

    def plan_anew(self) -> None:
        self.anew += 1


@pytest.fixture
async def alone(database: Database):
    one = Alone(database.url)
    yield one
    await one.close()


async def settings(session: ReadSession) -> tuple[str, str]:
    mode, seqscan = (await session.execute(SETTINGS)).one()
    return mode, seqscan


async def test_reading_steadily_leaves_the_connection_as_it_was(alone: Alone) -> None:
    async with alone.read() as session:
        async with steadily(session):
            assert await settings(session) == STEADY
        assert await settings(session) == USUAL


async def test_so_does_reading_that_fails(alone: Alone) -> None:
    with pytest.raises(ZeroDivisionError):
        async with alone.read() as session, steadily(session):
            raise ZeroDivisionError
    async with alone.read() as session:
        assert await settings(session) == USUAL


async def test_a_transaction_is_steady_to_its_end(alone: Alone) -> None:
    async with alone.write() as session:
        async with pipelined(session), steadily(session):
            pass
        assert await settings(session) == STEADY
    async with alone.write() as session:
        assert await settings(session) == USUAL


async def test_what_was_planned_for_an_empty_table_does_not_read_all_of_a_full_one(alone: Alone) -> None:
    async with alone.write() as session:
        await session.execute(text("analyze settled_marks"))
    async with alone.read() as session:
        seen = await snapshot(session)
        async with steadily(session):
            assert await changed_since(session, [1, 2], seen) == set()
    async with alone.write() as session:
        await session.execute(text("insert into settled_marks (client_id) select generate_series(1, 20000)"))
    async with alone.read() as session, steadily(session):
        assert await changed_since(session, [1, 2], seen) == {1, 2}
        connection = await driver(session)
        named = "select name from pg_prepared_statements where statement like '%from settled_marks%'"
        [(name,)] = await (await connection.execute(named)).fetchall()
        told = await (await connection.execute(f"explain execute \"{name}\" ('{{1,2}}', '{seen}')")).fetchall()
    plan = "\n".join(line for (line,) in told)
    assert "ix_settled_marks_client_id" in plan
    assert "Seq Scan" not in plan


async def test_plans_are_made_anew_once_tables_have_grown(alone: Alone) -> None:
    growth = Growth(alone, planned_for=100)
    for _ in range(10):
        growth.add(10)
    assert alone.anew == 0, "no more was written than there was"
    growth.add(10)
    assert alone.anew == 1
    growth.add((GROWTH - 1) * 110)
    assert alone.anew == 1
    growth.add(1)
    assert alone.anew == 2


async def test_a_portfolio_nobody_has_worked_grows_from_nothing(alone: Alone) -> None:
    async with alone.write() as session:
        await session.execute(text("analyze cases"))
    (await Growth.of(alone)).add(1)
    assert alone.anew == 1
