"""Somebody whose facts cannot be read, or whose decision cannot be written, stops nobody else: a person is told."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import psycopg
import pytest
from given import given_client, given_invoice, given_plans
from sqlalchemy import TextClause, text
from sqlalchemy.exc import DataError, IntegrityError, ProgrammingError

from engine.calendar import AnyHour
from engine.daily import decide_day
from engine.full_run import decide_all
from engine.run import decide_changed
from engine.store.aside import MOST, worded
from engine.store.feed import changed_clients
from engine.store.runs import Tally
from engine.store.session import Database
from engine.store.tables.casework import TaskResult
from engine.store.tables.people import User
from engine.work.worklist import LateReason, Report, Worker, finish, take

HOURS = AnyHour()
NOW = datetime(2026, 3, 11, 8, tzinfo=UTC)
FAR_PAUSE = text("""
insert into dunning_pauses (client_id, starts, ends, reason, made_by, made_at)
select id, '9999-12-01', '10000-02-01', 'a slip of the pen', 'ana', '2026-03-01' from clients where ref = any(:refs)
""")
"""No day of the year 10000 can be told of in Python."""
ALL_TOO_MUCH = text("""
update invoices i set amount = 9e18, balance = 9e18 from clients c where c.id = i.client_id and c.ref = any(:refs)
""")
"""The sum of two such bills is more than the store can write down."""
NO_ZONE = text("update clients set timezone = 'Mars/Base' where ref = any(:refs)")
"""The store itself cannot say which day it is there."""


async def given_debtors(database: Database, refs: list[str]) -> None:
    """Each owes two bills, and is to be reminded today."""
    async with database.write() as session:
        await given_plans(session)
        for ref in refs:
            client = await given_client(session, ref)
            for number in range(2):
                await given_invoice(session, client, f"{ref}-{number}", "100", date(2026, 3, 1), account=f"A{ref}")


async def spoil(database: Database, refs: list[str], how: TextClause = FAR_PAUSE) -> None:
    async with database.write() as session:
        await session.execute(how, {"refs": refs})


async def mend(database: Database) -> None:
    async with database.write() as session:
        await session.execute(text("delete from dunning_pauses"))


async def names(database: Database, question: str) -> list[str]:
    async with database.read() as session:
        return list(await session.scalars(text(question)))


async def contacted(database: Database) -> list[str]:
    return await names(database, "select c.ref from contacts k join clients c on c.id = k.client_id order by c.ref")


async def told(database: Database) -> list[str]:
    """Whom a person is to look at."""
    return await names(
        database,
        "select c.ref from tasks t join clients c on c.id = t.client_id "
        "where t.done_at is null and t.reason like 'could not be decided for: %' order by c.ref",
    )


async def noted(database: Database) -> int:
    """What the ledger of runs knows of them."""
    async with database.read() as session:
        known = await session.scalar(text("select sum((changes ->> 'set aside')::int) from run_slices"))
        return int(known or 0)


async def run(database: Database) -> Tally:
    return await decide_day(database, NOW.date(), NOW, HOURS) or Tally()


FAULTS = pytest.mark.parametrize(
    "fault", [FAR_PAUSE, ALL_TOO_MUCH, NO_ZONE], ids=["cannot be read", "cannot be written", "cannot be asked"]
)


@FAULTS
async def test_a_run_leaves_out_only_whom_the_fault_concerns(database: Database, fault: TextClause) -> None:
    await given_debtors(database, ["ana", "dan", "eva", "ion", "ovi"])
    await spoil(database, ["dan", "ovi"], fault)
    tally = await run(database)
    assert (tally.changes["contact"], tally.changes["set aside"]) == (3, 2)
    assert await contacted(database) == ["ana", "eva", "ion"]
    assert await told(database) == ["dan", "ovi"]
    assert await noted(database) == 2


async def test_day_after_day(database: Database) -> None:
    """Also once the questions that fail are so many that a driver would keep them prepared."""
    refs = [f"c{number:02}" for number in range(60)]
    await given_debtors(database, refs)
    await spoil(database, ["c30"], NO_ZONE)
    for hour in range(8):
        tally = await decide_all(database, NOW + timedelta(hours=hour), HOURS, width=30, everybody=True)
        assert (tally.clients, tally.changes["set aside"]) == (59, 1)


@FAULTS
async def test_the_changed_beside_them_are_decided_for(database: Database, fault: TextClause) -> None:
    await given_debtors(database, ["ana", "dan", "eva"])
    await spoil(database, ["dan"], fault)
    tally = await decide_changed(database, NOW, HOURS)
    assert (tally.clients, tally.changes["set aside"]) == (3, 1)
    assert (await contacted(database), await told(database)) == (["ana", "eva"], ["dan"])
    async with database.read() as session:
        assert await changed_clients(session, 10) == [], "what changed is done with"
    assert (await decide_changed(database, NOW, HOURS)).clients == 0


async def test_a_person_is_asked_once_and_anew_where_they_had_seen_to_it(database: Database) -> None:
    await given_debtors(database, ["ana"])
    await spoil(database, ["ana"])
    for _ in range(2):
        await decide_all(database, NOW, HOURS)
    assert await told(database) == ["ana"]
    async with database.write() as session:
        users = [User(login=name, name=name, created_at=NOW) for name in ("olga", "ion")]
        session.add_all(users)
        await session.flush()
        olga, ion = (Worker(user.id, user.name) for user in users)
        task = await session.scalar(text("select id from tasks"))
        await take(session, task, olga, NOW)
        report = Report(TaskResult.OTHER, "her husband", LateReason.FORGOT, "looked")
        await finish(session, task, olga, report, NOW)
    await decide_all(database, NOW + timedelta(hours=1), HOURS)
    assert await told(database) == ["ana"]
    async with database.write() as session:
        anew = await take(session, task, ion, NOW + timedelta(hours=1))
        left = (anew.done_by, anew.result, anew.person, anew.late_reason, anew.note)
        assert (anew.assigned_to, left) == (ion.id, (None, None, None, None, None))


async def test_once_the_fault_is_mended_the_next_run_takes_them(database: Database) -> None:
    await given_debtors(database, ["ana"])
    await spoil(database, ["ana"])
    await decide_all(database, NOW, HOURS)
    await mend(database)
    await decide_all(database, NOW + timedelta(days=1), HOURS)
    assert await contacted(database) == ["ana"]


async def nothing_came_of_it(database: Database, spoilt: int) -> bool:
    """Nobody is to be looked at by a person, and of whom nothing could be decided each is still marked."""
    async with database.read() as session:
        return await told(database) == [] and len(await changed_clients(session, 100)) == spoilt


async def test_day_after_day_the_awake_may_be_those_alone(database: Database) -> None:
    await given_debtors(database, [f"c{number}" for number in range(10)])
    await spoil(database, ["c3", "c7"])
    for day in range(6):
        now = NOW + timedelta(days=day)
        tally = await decide_day(database, now.date(), now, HOURS)
        assert tally is not None
        assert tally.changes["set aside"] == 2
    assert await told(database) == ["c3", "c7"]


@pytest.mark.parametrize("width", [2, 3])
async def test_so_may_a_slice(database: Database, width: int) -> None:
    refs = ["ana", "dan", "eva", "ion", "ovi", "pia"]
    await given_debtors(database, refs)
    await spoil(database, refs[-width:])
    tally = await decide_day(database, NOW.date(), NOW, HOURS, width=width)
    assert tally is not None
    assert (await contacted(database), await told(database)) == (refs[:-width], refs[-width:])


async def test_and_the_changed(database: Database) -> None:
    await given_debtors(database, ["ana", "dan", "eva"])
    await decide_changed(database, NOW, HOURS)
    await spoil(database, ["ana", "dan"])
    assert (await decide_changed(database, NOW, HOURS)).changes["set aside"] == 2
    assert await told(database) == ["ana", "dan"]


WAYS = pytest.mark.parametrize("way", [decide_all, decide_changed], ids=["everybody", "the changed"])


@WAYS
@FAULTS
async def test_what_concerns_so_many_is_no_fault_of_theirs_and_stops(database: Database, fault, way) -> None:
    refs = [f"c{number}" for number in range(MOST + 1)]
    await given_debtors(database, refs)
    await spoil(database, refs, fault)
    for _ in range(2):
        with pytest.raises((psycopg.DataError, DataError)):
            await way(database, NOW, HOURS)
    assert await nothing_came_of_it(database, len(refs))


@WAYS
@FAULTS
async def test_where_nobody_could_be_decided_for_none_of_them_is_set_aside(database: Database, fault, way) -> None:
    await given_debtors(database, ["ana", "dan"])
    await spoil(database, ["ana", "dan"], fault)
    with pytest.raises((psycopg.DataError, DataError)):
        await way(database, NOW, HOURS)
    assert await nothing_came_of_it(database, 2)


@WAYS
@pytest.mark.parametrize("table", ["dunning_pauses", "case_events"], ids=["cannot be read", "cannot be written"])
async def test_a_table_the_program_misses_is_nobody_s_fault(database: Database, table: str, way) -> None:
    await given_debtors(database, ["ana"])
    await spoil(database, [], text(f"alter table {table} rename to gone"))
    with pytest.raises((psycopg.ProgrammingError, ProgrammingError)):
        await way(database, NOW, HOURS)
    assert await nothing_came_of_it(database, 1)


async def test_what_a_row_holds_is_in_no_fault_s_text(database: Database) -> None:
    await given_debtors(database, ["ana", "dan"])
    await spoil(database, [], text("alter table contacts add constraint odd check (client_id <> 1)"))
    await decide_changed(database, NOW, HOURS)
    assert await told(database) == ["ana"]
    assert await names(database, "select reason from tasks") == [
        'could not be decided for: CheckViolation: new row for relation "contacts" violates check constraint "odd"'
    ]


async def test_whom_sqlalchemy_speaks_for_is_quoted_without_its_statement(database: Database) -> None:
    with pytest.raises(IntegrityError) as broken:
        async with database.write() as session:
            await session.execute(text("insert into plan_groups (name) values ('secret'), ('secret')"))
    assert worded(broken.value).startswith("UniqueViolation: duplicate key value violates unique constraint")
    assert "secret" not in worded(broken.value)
