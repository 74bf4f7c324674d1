"""What changes while a run is at it: real connections, one waiting for the other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime

import pytest
from given import given_client, given_invoice, given_plans
from sqlalchemy import text

from engine.agreements.promises import promise
from engine.calendar import AnyHour
from engine.full_run import decide_all
from engine.ledger import Received, receive
from engine.money import money
from engine.run import decide_changed, decide_clients
from engine.store.feed import changed_clients, changed_since, settle_marks, settle_seen, snapshot
from engine.store.rests import rest, seen_by
from engine.store.session import Database, WriteSession, lock_clients

HOURS = AnyHour()
NOW = datetime(2026, 3, 11, 8, tzinfo=UTC)
CONTACTS = text("select client_id from contacts order by client_id")
WAITING = text("""
select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'
""")


@dataclass(frozen=True)
class Town:
    database: Database
    ana: int
    ion: int


@pytest.fixture
async def town(database: Database) -> Town:
    async with database.write() as session:
        await given_plans(session)
        ana, ion = [await given_client(session, ref) for ref in ("ana", "ion")]
        for client in (ana, ion):
            await given_invoice(session, client, f"I{client}", "100", date(2026, 3, 1), account=f"A{client}")
    return Town(database, ana, ion)


async def marked(database: Database) -> list[int]:
    async with database.read() as session:
        return await changed_clients(session, 100)


async def pay(session: WriteSession, client: int, amount: str) -> None:
    await receive(session, Received(f"P{client}", client, money(amount, "RON"), NOW, "test"), NOW)


async def test_a_change_committed_after_a_snapshot_is_noticed(town: Town) -> None:
    """Also one that began before it, and only that one."""
    await decide_changed(town.database, NOW, HOURS)
    async with town.database.write() as paying, town.database.read() as deciding:
        await pay(paying, town.ana, "10")
        seen = await snapshot(deciding)
        assert await changed_since(deciding, [town.ana, town.ion], seen) == set()
        await paying.commit()
        assert await changed_since(deciding, [town.ana, town.ion], seen) == {town.ana}
        assert await changed_since(deciding, [town.ion], seen) == set()
        assert await changed_since(deciding, [town.ana], await snapshot(deciding)) == set()


async def test_an_uncommitted_change_stays_for_the_next(town: Town) -> None:
    """Ana has one change that is settled and one that nobody but its own transaction sees yet."""
    async with town.database.write() as paying:
        await pay(paying, town.ana, "10")
        async with town.database.write() as deciding:
            seen = await snapshot(deciding)
            await settle_marks(deciding, [town.ana])
        await settle_seen(town.database, seen)
    assert await marked(town.database) == [town.ana]


async def test_a_run_settles_what_was_there_when_it_began(town: Town) -> None:
    async with town.database.write() as paying:
        await pay(paying, town.ana, "10")
        await decide_all(town.database, NOW, HOURS)
    assert await marked(town.database) == [town.ana]
    assert (await decide_changed(town.database, NOW, HOURS)).clients == 1


async def test_who_changed_before_a_whole_other_run_is_noticed_still(town: Town) -> None:
    """A process that was stopped for as long as a run takes, and then writes what it read before."""
    async with town.database.read() as stopped:
        seen = await snapshot(stopped)
    async with town.database.write() as session:
        await pay(session, town.ana, "10")
    await decide_all(town.database, NOW, HOURS)
    async with town.database.read() as awake:
        assert await changed_since(awake, [town.ana, town.ion], seen) == {town.ana, town.ion}
    await decide_all(town.database, NOW, HOURS)
    async with town.database.read() as session:
        assert await session.scalar(text("select count(*) from settled_marks")) == 0, "the next run forgets them"


async def test_who_was_decided_for_meanwhile_does_not_rest_on_older_facts(town: Town) -> None:
    """A run reads that there is nothing to do; before it writes so, another has decided on what came after."""
    await decide_all(town.database, NOW, HOURS)
    async with town.database.read() as slow:
        seen = await seen_by(slow)
    async with town.database.write() as session:
        await pay(session, town.ana, "10")
    await decide_all(town.database, NOW, HOURS)
    before = await rests(town.database)
    async with town.database.write() as session:
        await rest(session, {town.ana: date(2026, 4, 1), town.ion: date(2026, 4, 1)}, seen, held=False)
    assert await rests(town.database) == before | {town.ion: date(2026, 4, 1)}, "Ion was left alone meanwhile"


async def rests(database: Database) -> dict[int, date]:
    async with database.read() as session:
        found = await session.execute(text("select client_id, until from rests"))
        return {row.client_id: row.until for row in found}


async def test_marks_of_a_database_restored_from_a_dump_are_forgotten_too(town: Town) -> None:
    """Their transactions had higher numbers than this server has come to."""
    async with town.database.write() as session:
        await session.execute(text("insert into settled_marks values (:ana, 1::bigint << 60)"), {"ana": town.ana})
    tally = await decide_all(town.database, NOW, HOURS)
    assert tally.changes["contact"] == 2
    async with town.database.read() as session:
        assert await changed_since(session, [town.ana, town.ion], await snapshot(session)) == set()


async def test_two_who_decide_for_the_changed_do_the_work_once(town: Town) -> None:
    tallies = await asyncio.gather(*(decide_changed(town.database, NOW, HOURS) for _ in range(3)))
    assert sum(tally.changes["contact"] for tally in tallies) == 2
    assert await marked(town.database) == []


async def somebody_waits(database: Database) -> bool:
    """In a transaction of its own: within one the server shows the same activity again and again."""
    async with database.read() as session:
        return bool(await session.scalar(WAITING))


@asynccontextmanager
async def held_up(town: Town) -> AsyncIterator[WriteSession]:
    """A session that holds Ana, beside a run that has read her facts and waits for her; then the run goes on."""
    async with town.database.write() as holding:
        await lock_clients(holding, [town.ana])
        run = asyncio.create_task(decide_all(town.database, NOW, HOURS))
        while not await somebody_waits(town.database):  # noqa: ASYNC110 - the database tells nobody
            await asyncio.sleep(0.01)
        yield holding
    await run


async def contacted(database: Database) -> list[int]:
    async with database.read() as session:
        return list(await session.scalars(CONTACTS))


async def test_who_pays_while_the_run_waits_for_them_is_decided_anew(town: Town) -> None:
    async with held_up(town) as session:
        await pay(session, town.ana, "100")
    assert await contacted(town.database) == [town.ion]


async def test_who_pays_and_is_decided_for_while_the_run_waits_is_decided_anew(town: Town) -> None:
    async with held_up(town) as session:
        await pay(session, town.ana, "100")
        await decide_clients(session, [town.ana], NOW, HOURS)
    assert await contacted(town.database) == [town.ion]


async def test_a_promise_of_while_the_run_waits_holds(town: Town) -> None:
    """What the run has read says that Ana is to be reminded; by the time it writes she has promised."""
    async with held_up(town) as session:
        await promise(session, town.ana, money(100, "RON"), date(2026, 3, 20), NOW)
        await decide_clients(session, [town.ana], NOW, HOURS)
    assert await contacted(town.database) == [town.ion]


async def test_who_was_begun_by_another_meanwhile_is_begun_once(town: Town) -> None:
    async with held_up(town) as session:
        await decide_clients(session, [town.ana], NOW, HOURS)
    assert await contacted(town.database) == [town.ana, town.ion]
