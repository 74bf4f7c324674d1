"""Plans of statements: those of a run are made once, by indexes, and anew when tables have grown; no others change."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, date, datetime

import pytest
from given import given_client, given_invoice, given_plans
from sqlalchemy import text

from engine.calendar import AnyHour
from engine.run import decide_clients
from engine.store import steady
from engine.store.feed import changed_since, snapshot
from engine.store.growth import GROWTH, SMALL, plan_anew_if_grown
from engine.store.session import Database, ReadSession, driver, pipelined
from engine.store.steady import steadily

SETTINGS = text("select current_setting('plan_cache_mode'), current_setting('enable_seqscan')")
STEADY, USUAL = ("force_generic_plan", "off"), ("auto", "on")


class Alone(Database):
    """One connection for reading and one for writing, so that who comes next has the same one. It counts plans anew."""

    def __init__(self, url: str) -> None:
        super().__init__(url, pool=1)
        self.anew = 0

    def plan_anew(self, sizes: Mapping[str, int]) -> None:
        super().plan_anew(sizes)
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


async def look(database: Database) -> None:
    async with database.read() as session, steadily(session):
        await session.execute(text("select pg_sleep(0.002)"))


async def cut_off(looking: asyncio.Task[None], alone: Alone) -> tuple[str, str]:
    """How the next one who reads finds the settings."""
    looking.cancel()
    await asyncio.wait([looking])
    async with alone.read() as session:
        return await settings(session)


async def test_and_reading_that_is_cut_off(alone: Alone) -> None:
    for turns in range(40):
        await look(alone)
        looking = asyncio.create_task(look(alone))
        for _ in range(turns):
            await asyncio.sleep(0)
        assert await cut_off(looking, alone) == USUAL, f"after {turns} turns of the loop"


async def test_also_while_it_puts_the_connection_right(alone: Alone, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steady, "USUALLY_PLANNED", text("select pg_sleep(60), cast(:local as boolean)"))
    looking = asyncio.create_task(look(alone))
    await asyncio.sleep(0.3)
    assert await cut_off(looking, alone) == USUAL


async def test_in_a_transaction_what_comes_after_is_planned_as_usual(alone: Alone) -> None:
    async with alone.write() as session:
        async with pipelined(session), steadily(session):
            assert await settings(session) == STEADY
        assert await settings(session) == USUAL


async def test_so_is_what_comes_after_a_decision(alone: Alone) -> None:
    async with alone.write() as session:
        await given_plans(session)
        ana = await given_client(session, "ana")
        await given_invoice(session, ana, "I1", "100", date(2026, 3, 1))
        await decide_clients(session, [ana], datetime(2026, 3, 11, 8, tzinfo=UTC), AnyHour())
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


async def fill(database: Database, size: int) -> None:
    """Have `settled_marks` grow to a size in bytes."""
    async with database.write() as session:
        while await session.scalar(text("select pg_relation_size('settled_marks')")) < size:
            await session.execute(text("insert into settled_marks (client_id) select generate_series(1, 1000)"))


async def test_plans_are_made_anew_once_a_table_has_grown(alone: Alone) -> None:
    await plan_anew_if_grown(alone)
    before = alone.anew
    await fill(alone, SMALL // 2)
    await plan_anew_if_grown(alone)
    assert alone.anew == before, "to a small one any plan does"
    await fill(alone, SMALL + 1)
    await plan_anew_if_grown(alone)
    assert alone.anew == before + 1
    await fill(alone, GROWTH * SMALL // 2)
    await plan_anew_if_grown(alone)
    assert alone.anew == before + 1
    await fill(alone, 2 * GROWTH * SMALL)
    await plan_anew_if_grown(alone)
    assert alone.anew == before + 2
