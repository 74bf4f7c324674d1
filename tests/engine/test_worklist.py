"""Work lists: a task is taken by one person, ends with a result, and the client's history tells all of it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from given import given_client, given_invoice, given_plans
from sqlalchemy import select

from engine.agreements.installments import agree_installments
from engine.calendar import AnyHour
from engine.installment import Part
from engine.ledger import Received, receive
from engine.money import money
from engine.run import decide_clients
from engine.store.session import Database
from engine.store.tables.casework import CaseEvent, Task, TaskResult
from engine.store.tables.ledger import Promise
from engine.store.tables.people import User
from engine.work.worklist import (
    HELD,
    BadReport,
    Deed,
    Finished,
    LateReason,
    NoSuchTask,
    Report,
    Taken,
    Worker,
    finish,
    give_back,
    record,
    take,
)

REACHED = Report(TaskResult.REACHED, "her husband", LateReason.AWAY, "back on Monday")


@pytest.fixture
async def office(database: Database, now: datetime) -> tuple[Worker, Worker, int, int]:
    """Olga and Ion, and two tasks about Ana."""
    async with database.write() as session:
        await given_plans(session)
        ana = await given_client(session)
        await given_invoice(session, ana, "I1", "200", date(2026, 3, 1))
        users = [User(login=name.lower(), name=name, created_at=now) for name in ("Olga", "Ion")]
        tasks = [Task(client_id=ana, kind=kind, reason="x", source=kind, created_at=now) for kind in ("call", "review")]
        session.add_all([*users, *tasks])
        await session.flush()
    return Worker(users[0].id, "Olga"), Worker(users[1].id, "Ion"), tasks[0].id, tasks[1].id


async def task_of(database: Database, number: int) -> Task:
    async with database.read() as session:
        return await session.get_one(Task, number)


async def history(database: Database) -> list[CaseEvent]:
    async with database.read() as session:
        return list(await session.scalars(select(CaseEvent).order_by(CaseEvent.id)))


async def does(database: Database, deed, *given):
    async with database.write() as session:
        return await deed(session, *given)


async def test_whoever_takes_a_task_has_the_client(database, office, now):
    olga, ion, call, review = office
    await does(database, take, call, olga, now)
    for other in (call, review):
        with pytest.raises(Taken, match="Olga has this client's tasks"):
            await does(database, take, other, ion, now)
    await does(database, take, review, olga, now)
    assert (await task_of(database, call)).assigned_to == olga.id


async def test_a_case_that_closes_takes_its_calls_off_the_list_and_nothing_somebody_is_at(database, office, now):
    olga, *_ = office
    async with database.write() as session:
        ana = (await session.get_one(Task, office[2])).client_id
        await decide_clients(session, [ana], now, AnyHour())
        for source, kind, due, taken in (
            ("agreed", "callback", date(2026, 3, 20), None),
            ("asked for a person", "callback", None, None),
            ("on the telephone", "call", None, olga.id),
        ):
            about = {"kind": kind, "source": source, "due_on": due, "assigned_to": taken}
            session.add(Task(client_id=ana, reason="x", created_at=now, **about))
        await session.flush()
        for number, left in enumerate(({"agreed", "call"}, set())):
            await receive(session, Received(f"p{number}", ana, money(100, "RON"), now, "bank"), now)
            await decide_clients(session, [ana], now, AnyHour())
            waiting = set(await session.scalars(select(Task.source).where(Task.done_at.is_(None))))
            assert waiting == left | {"asked for a person", "on the telephone", "review"}
    note = "the case is closed: the debt is gone"
    assert (await task_of(database, office[2])).note == note
    told = [event.detail for event in await history(database) if event.kind == "task_done"]
    gone = {"reason": "x", "result": "other", "note": note}
    assert sorted(told, key=str) == [{"kind": "call", **gone}, {"kind": "callback", **gone}]


async def test_a_call_about_parts_agreed_in_another_currency_outlives_the_case(database, office, now):
    async with database.write() as session:
        ana = (await session.get_one(Task, office[2])).client_id
        await given_invoice(session, ana, "E1", "40", date(2026, 3, 9), account="E", currency="EUR")
        missed = [Part(date(2026, 3, 5), 20_00), Part(date(2026, 4, 5), 20_00)]
        await agree_installments(session, ana, "EUR", missed, now - timedelta(days=9))
        await decide_clients(session, [ana], now, AnyHour())
        await receive(session, Received("p", ana, money(200, "RON"), now, "bank"), now)
        (closed,) = await decide_clients(session, [ana], now, AnyHour())
        assert (closed.ending, closed.facts.currency) == ("paid", "RON")
        waiting = set(await session.scalars(select(Task.reason).where(Task.done_at.is_(None), Task.kind == "call")))
        assert waiting == {"x", "missed installment"}


async def test_two_who_take_at_once_never_both_have_the_client(database, office, now):
    olga, ion, call, review = office
    ends = await asyncio.gather(
        does(database, take, call, olga, now), does(database, take, review, ion, now), return_exceptions=True
    )
    assert sorted(type(end) for end in ends if isinstance(end, Exception)) == [Taken]


async def test_taking_twice_is_taking_once(database, office, now):
    olga, _, call, _ = office
    await does(database, take, call, olga, now)
    await does(database, take, call, olga, now + timedelta(minutes=5))
    assert (await task_of(database, call)).assigned_at == now
    assert [event.kind for event in await history(database)] == ["task_taken"]


async def test_a_task_given_back_is_free_for_others(database, office, now):
    olga, ion, call, _ = office
    await does(database, take, call, olga, now)
    with pytest.raises(Taken):
        await does(database, give_back, call, ion, now)
    await does(database, give_back, call, olga, now)
    await does(database, take, call, ion, now)
    assert [event.kind for event in await history(database)] == ["task_taken", "task_given_back", "task_taken"]


async def test_who_went_home_bars_nobody_the_next_day(database, office, now):
    olga, ion, call, _ = office
    await does(database, take, call, olga, now)
    with pytest.raises(Taken):
        await does(database, take, call, ion, now + HELD - timedelta(seconds=1))
    await does(database, take, call, ion, now + HELD)
    assert (await task_of(database, call)).assigned_to == ion.id


async def test_a_task_ends_with_all_that_was_learned(database, office, now):
    olga, _, call, _ = office
    await does(database, finish, call, olga, REACHED, now)
    task = await task_of(database, call)
    assert (task.done_at, task.done_by, task.result) == (now, olga.id, "reached")
    assert (task.person, task.late_reason, task.note) == ("her husband", "away_or_ill", "back on Monday")
    (event,) = await history(database)
    assert event.kind == "task_done"
    assert event.detail == {
        "kind": "call",
        "reason": "x",
        "result": "reached",
        "operator": "Olga",
        "person": "her husband",
        "late_reason": "away_or_ill",
        "note": "back on Monday",
    }


async def test_a_finished_task_cannot_be_taken_or_finished_again(database, office, now):
    olga, ion, call, _ = office
    await does(database, finish, call, olga, REACHED, now)
    with pytest.raises(Finished, match="by Olga"):
        await does(database, take, call, ion, now)
    with pytest.raises(Finished, match="by Olga"):
        await does(database, finish, call, ion, REACHED, now)
    assert len(await history(database)) == 1


async def test_nobody_finishes_what_another_has_taken(database, office, now):
    olga, ion, call, review = office
    await does(database, take, call, olga, now)
    with pytest.raises(Taken):
        await does(database, finish, review, ion, REACHED, now)


async def test_a_promise_on_the_telephone_is_booked(database, office, now):
    olga, _, call, _ = office
    promised = Report(TaskResult.PROMISED, promised=money("150", "RON"), until=date(2026, 3, 20))
    await does(database, finish, call, olga, promised, now)
    async with database.read() as session:
        (row,) = (await session.scalars(select(Promise))).all()
    assert (row.amount, row.until, row.channel, row.state) == (15000, date(2026, 3, 20), None, "open")
    assert [event.kind for event in await history(database)] == ["task_done", "promise"]


async def test_a_promise_for_another_day_takes_the_place_of_the_open_one(database, office, now):
    olga, _, call, review = office
    promised = Report(TaskResult.PROMISED, promised=money("200", "RON"), until=date(2026, 3, 20))
    await does(database, finish, call, olga, promised, now)
    await does(database, finish, review, olga, replace(promised, until=date(2026, 3, 25)), now)
    async with database.read() as session:
        rows = (await session.scalars(select(Promise).order_by(Promise.id))).all()
    assert [(row.until.day, row.state) for row in rows] == [(20, "replaced"), (25, "open")]


@pytest.mark.parametrize(
    ("place", "report"),
    [
        ("promised", Report(TaskResult.PROMISED)),
        ("promised", Report(TaskResult.PROMISED, promised=money("10", "RON"))),
        ("promised", Report(TaskResult.REACHED, promised=money("10", "RON"), until=date(2026, 3, 20))),
        ("promised", Report(TaskResult.PROMISED, promised=money("0", "RON"), until=date(2026, 3, 20))),
        ("until", Report(TaskResult.PROMISED, promised=money("10", "RON"), until=date(2026, 3, 10))),
        ("callback_on", Report(TaskResult.NOT_REACHED, callback_on=date(2026, 3, 10))),
        ("callback_on", Report(TaskResult.NOT_REACHED, callback_on=date(2028, 3, 10))),
        ("note", Report(TaskResult.OTHER, note="x" * 1001)),
        ("person", Report(TaskResult.REACHED, person="x" * 121)),
    ],
)
async def test_what_cannot_be_is_refused_with_its_place_and_nothing_is_done(database, office, now, place, report):
    olga, _, call, _ = office
    with pytest.raises(BadReport) as refused:
        await does(database, finish, call, olga, report, now)
    assert refused.value.place == place
    assert (await task_of(database, call)).done_at is None
    assert await history(database) == []


async def test_a_callback_is_a_task_for_its_day(database, office, now):
    olga, _, call, _ = office
    await does(database, finish, call, olga, Report(TaskResult.NOT_REACHED, callback_on=date(2026, 3, 13)), now)
    async with database.read() as session:
        task = (await session.scalars(select(Task).where(Task.kind == "callback"))).one()
    assert (task.due_on, task.done_at, task.reason) == (date(2026, 3, 13), None, "agreed with Olga")
    assert [event.kind for event in await history(database)] == ["task_done", "task"]


async def test_the_client_s_own_day_counts(database, office, now):
    olga, _, call, _ = office
    late = datetime.fromisoformat("2026-03-11T23:00+00:00")
    with pytest.raises(BadReport):
        await does(database, finish, call, olga, Report(TaskResult.REACHED, callback_on=date(2026, 3, 11)), late)


async def test_what_was_done_outside_is_entered_on_its_day(database, office, now):
    olga, _, call, _ = office
    ana = (await task_of(database, call)).client_id
    await does(database, record, ana, Deed.EQUIPMENT_RETURNED, date(2026, 3, 2), "one router", olga, now)
    await does(database, record, ana, Deed.CALL_MADE, date(2026, 3, 11), "", olga, now)
    old, new = await history(database)
    assert old.at == datetime.fromisoformat("2026-03-02T10:00+00:00")
    assert old.detail == {
        "deed": "equipment_returned",
        "on": "2026-03-02",
        "operator": "Olga",
        "entered": now.isoformat(),
        "note": "one router",
    }
    assert (new.at, new.detail["deed"]) == (now, "call_made")


@pytest.mark.parametrize(
    ("place", "deed", "on", "note"),
    [
        ("on", Deed.VISIT, date(2026, 3, 12), ""),
        ("on", Deed.VISIT, date(1990, 1, 1), ""),
        ("note", Deed.OTHER, date(2026, 3, 2), ""),
        ("note", Deed.VISIT, date(2026, 3, 2), "x" * 1001),
    ],
)
async def test_what_cannot_have_been_done_is_refused(database, office, now, place, deed, on, note):
    olga, _, call, _ = office
    ana = (await task_of(database, call)).client_id
    with pytest.raises(BadReport) as refused:
        await does(database, record, ana, deed, on, note, olga, now)
    assert refused.value.place == place
    assert await history(database) == []


async def test_an_unknown_task_is_told(database, office, now):
    with pytest.raises(NoSuchTask):
        await does(database, take, 999, office[0], now)
