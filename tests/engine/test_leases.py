"""Leases: one holder at a time, and who was overtaken writes nothing more."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime

import pytest
from given import given_client, given_invoice, given_plans
from sqlalchemy import TextClause, text

from engine.calendar import AnyHour
from engine.daily import DAILY, RunUnderWay, decide_day
from engine.full_run import UNDER_WAY
from engine.ledger import Received, receive
from engine.money import money
from engine.run import decide_changed
from engine.store.leases import Lease, LeaseLost, give_back, take_lease
from engine.store.session import Database, driver

HOURS = AnyHour()
NOW = datetime(2026, 3, 11, 8, tzinfo=UTC)
TODAY = NOW.date()
REFS = ("ana", "ion", "eva", "dan", "ina", "geo", "ada", "leo")
CONTACTS = text("select client_id from contacts order by client_id")


async def keep(database: Database, lease: Lease) -> None:
    async with database.write() as session:
        await lease.keep(session)


async def test_while_one_holds_it_nobody_else_gets_it(database: Database) -> None:
    first = await take_lease(database, "work", "first", 30)
    assert first == Lease("work", 1, 30)
    assert await take_lease(database, "work", "second", 30) is None
    assert await take_lease(database, "other work", "second", 30) == Lease("other work", 1, 30)
    await keep(database, first)


async def test_of_many_who_ask_at_once_one_gets_it(database: Database) -> None:
    answers = await asyncio.gather(*(take_lease(database, "work", f"worker {n}", 30) for n in range(8)))
    assert [lease for lease in answers if lease] == [Lease("work", 1, 30)]


async def test_a_lease_that_ran_out_is_taken_over_with_a_higher_epoch(database: Database) -> None:
    first = await take_lease(database, "work", "first", 0.1)
    await asyncio.sleep(0.15)
    second = await take_lease(database, "work", "second", 30)
    assert first is not None
    assert second is not None
    assert (first.epoch, second.epoch) == (1, 2)
    with pytest.raises(LeaseLost, match="'work' has been taken over by another process"):
        await keep(database, first)
    await give_back(database, first)
    assert await take_lease(database, "work", "third", 30) is None, "only its holder can give it back"
    await keep(database, second)


async def test_one_who_is_late_but_was_not_overtaken_goes_on(database: Database) -> None:
    lease = await take_lease(database, "work", "first", 0)
    assert lease is not None
    await keep(database, lease)


async def test_a_lease_given_back_is_free_at_once(database: Database) -> None:
    first = await take_lease(database, "work", "first", 30)
    assert first is not None
    await give_back(database, first)
    assert await take_lease(database, "work", "second", 30) == Lease("work", 2, 30)


@pytest.fixture
async def town(database: Database) -> list[int]:
    """More than are under way together; all are to be reminded today."""
    async with database.write() as session:
        await given_plans(session)
        clients = [await given_client(session, ref) for ref in REFS]
        for client in clients:
            await given_invoice(session, client, f"I{client}", "100", date(2026, 3, 1), account=f"A{client}")
    return clients


async def contacted(database: Database) -> list[int]:
    async with database.read() as session:
        return list(await session.scalars(CONTACTS))


OVERTAKE = text("""
create function overtake() returns trigger language plpgsql as $$
begin
  update leases set epoch = epoch + 1,
    holder = (select coalesce(string_agg(client_id::text, ' ' order by client_id), '') from contacts);
  return null;
end $$;
create constraint trigger overtake after insert on run_slices deferrable initially deferred
for each row execute function overtake();
""")
OVER = text("drop trigger overtake on run_slices; drop function overtake()")


async def run_until_overtaken(database: Database) -> list[int]:
    """A run over slices of one client each, whose lease another process takes as the first slice is committed. Who was
    contacted by then.
    """
    await in_sql(database, OVERTAKE)
    with pytest.raises(RunUnderWay):
        await decide_day(database, TODAY, NOW, HOURS, lease_seconds=0, width=1)
    await in_sql(database, OVER)
    async with database.read() as session:
        by_then = await session.scalar(text("select holder from leases where name = 'decide'"))
    return [int(client) for client in by_then.split()]


async def in_sql(database: Database, statements: TextClause) -> None:
    async with database.write() as session:
        connection = await driver(session)
        await connection.execute(statements.text)


async def test_who_has_lost_the_lease_writes_nothing_more(database: Database, town: list[int]) -> None:
    by_then = await run_until_overtaken(database)
    assert await contacted(database) == by_then
    assert town[0] in by_then
    assert len(by_then) <= UNDER_WAY
    tally = await decide_day(database, TODAY, NOW, HOURS, width=1)
    assert tally is not None
    noted_before = 1
    assert tally.changes["contact"] == len(town) - len(by_then) + noted_before, "what a slice noted is counted too"
    assert (tally.clients, await contacted(database)) == (len(town), town)


async def test_a_run_taken_over_in_slices_of_another_width_leaves_nobody_out(
    database: Database, town: list[int]
) -> None:
    await run_until_overtaken(database)
    await decide_day(database, TODAY, NOW, HOURS, width=2)
    assert await contacted(database) == town


async def test_who_changes_after_their_slice_was_done_is_decided_for_after_the_run(
    database: Database, town: list[int]
) -> None:
    ana = town[0]
    await run_until_overtaken(database)
    async with database.write() as session:
        await receive(session, Received("P1", ana, money(100, "RON"), NOW, "test"), NOW)
    tally = await decide_day(database, TODAY, NOW, HOURS, width=1)
    assert tally is not None
    assert tally.changes["case closed"] == 0
    assert (await decide_changed(database, NOW, HOURS)).changes["case closed"] == 1


async def test_while_a_run_is_under_way_a_second_does_not_begin(database: Database, town: list[int]) -> None:
    lease = await take_lease(database, DAILY, "first", 30)
    assert lease is not None
    with pytest.raises(RunUnderWay, match="half a minute"):
        await decide_day(database, TODAY, NOW, HOURS)
    assert await contacted(database) == []
    await give_back(database, lease)
    assert await decide_day(database, TODAY, NOW, HOURS) is not None
    assert await decide_day(database, TODAY, NOW, HOURS) is None, "a day's run is done once"
    assert await contacted(database) == town
