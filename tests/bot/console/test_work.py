"""The work list and its forms: what is listed, who has it, how it ends, and that nothing typed is lost."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy import select

from bot.console.work import WorkView
from bot.ticks import day_tick
from engine.plan import TaskKind, Verb
from engine.store.tables.casework import Case, ServiceOrder, Task
from engine.store.tables.ledger import Promise
from engine.store.tables.portfolio import Account, Client
from engine.work.orders import OVERDUE

ANA_PAGE = "/console/clients/ana"


@pytest.fixture
async def call(signed_in) -> int:
    """A call to Ana is to be made."""
    async with signed_in.database.write() as session:
        ana = await session.scalar(select(Client.id))
        task = Task(
            client_id=ana, kind="call", reason="stage pre_collections", source="t", created_at=signed_in.clock()
        )
        session.add(task)
        await session.flush()
    return task.id


async def finish(browser, task: int, **fields: str):
    return await browser.press(f"/console/tasks/{task}/done", ANA_PAGE, **fields)


async def tasks_of(desk) -> list[Task]:
    async with desk.database.read() as session:
        return list(await session.scalars(select(Task).order_by(Task.id)))


def test_every_kind_of_task_has_its_list():
    assert {str(kind) for kind in TaskKind} <= {str(view) for view in WorkView}


async def test_the_list_tells_who_why_since_when_and_how_much(signed_in, call):
    signed_in.later(timedelta(hours=2))
    await signed_in.olga.sign_in("olga")
    page = await signed_in.olga.see("/console/work")
    for fact in ("Ana", "<strong>call</strong> stage pre collections", "today 10:00", "120.50\N{NO-BREAK SPACE}RON"):
        assert fact in page, fact
    assert 'Calls <span class="count">1</span>' in page
    assert 'Visits <span class="count">0</span>' in page
    assert f'id="w{call}"' in await signed_in.olga.see("/console/work?show=call")
    assert "No work here" in await signed_in.olga.see("/console/work?show=visit")
    assert f'{ANA_PAGE}#facts"' in page


async def test_whoever_takes_a_task_is_named_to_the_others(signed_in, call):
    desk = signed_in
    answer = await desk.olga.press(f"/console/tasks/{call}/take", "/console/work")
    assert (answer.status_code, answer.headers["location"]) == (303, f"{ANA_PAGE}#facts")
    assert "<span>you</span>" in await desk.olga.see("/console/work")
    assert f'id="w{call}"' in await desk.olga.see("/console/work?show=mine")
    page = await desk.ion.see("/console/work")
    assert "<span>Olga Marin</span>" in page
    assert f"/console/tasks/{call}/take" not in page
    assert "Only Olga Marin can finish it" in await desk.ion.see(ANA_PAGE)
    assert "You have no task" in await desk.ion.see("/console/work?show=mine")


async def test_who_comes_second_is_told_who_was_faster(signed_in, call):
    desk = signed_in
    page = await desk.ion.see(ANA_PAGE)
    token = page.split('name="token" value="')[1].split('"')[0]
    await desk.olga.press(f"/console/tasks/{call}/take", "/console/work")
    late = await desk.ion.web.post(f"/console/tasks/{call}/take", data={"token": token})
    assert late.status_code == 409
    assert "Olga Marin has this client’s tasks" in late.text
    form = {"token": token, "result": "reached", "note": "she says <b>Friday</b>"}
    late = await desk.ion.web.post(f"/console/tasks/{call}/done", data=form)
    assert late.status_code == 409
    assert "she says &lt;b&gt;Friday&lt;/b&gt;" in late.text
    await finish(desk.olga, call, result="not_reached")
    late = await desk.ion.web.post(f"/console/tasks/{call}/done", data=form)
    assert "Olga Marin finished it" in late.text


async def test_a_call_ends_with_its_result_in_the_clients_history(signed_in, call):
    desk = signed_in
    answer = await finish(
        desk.olga, call, result="reached", person="her husband", late_reason="no_money", note="asks for a week"
    )
    assert answer.status_code == 303
    page = await desk.olga.see(ANA_PAGE)
    assert "Olga Marin finished the call task: reached, spoke with her husband, late because: no money. asks" in page
    assert "/console/tasks/" not in page
    assert "No work here" in await desk.olga.see("/console/work")


async def test_a_promise_made_on_the_telephone_freezes_the_debt_at_once(signed_in, call):
    desk = signed_in
    await day_tick(desk.running.wired.app, desk.clock())
    await finish(desk.olga, call, result="promised", promised="120,50", until="2026-03-20")
    async with desk.database.read() as session:
        promise = (await session.scalars(select(Promise))).one()
        case = (await session.scalars(select(Case))).one()
    assert (promise.amount, promise.until) == (12050, date(2026, 3, 20))
    assert case.told == "suspended"
    assert "promised until 20 Mar" in await desk.olga.see(ANA_PAGE)


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({}, "How it ended: choose how it ended"),
        ({"result": "vanished"}, "How it ended: choose one of the list"),
        ({"result": "promised"}, "Promise: for a promise give its sum and its day"),
        ({"result": "promised", "promised": "a lot", "until": "2026-03-20"}, "Promise: write the sum as 150"),
        ({"result": "promised", "promised": "10", "until": "2026-03-01"}, "Promise: choose today or a day"),
        ({"result": "promised", "promised": "10", "until": "20 March"}, "Promise: write the day as 2026-05-15"),
        ({"result": "promised", "promised": "5", "until": "2026-03-20", "currency": "ZZZ"}, "no account in ZZZ"),
        ({"result": "reached", "promised": "10", "until": "2026-03-20"}, "and for nothing else"),
        ({"result": "reached", "callback_on": "2026-03-01"}, "Call back on: choose today or a day"),
    ],
)
async def test_what_cannot_be_booked_comes_back_with_what_was_typed(signed_in, call, fields, told):
    answer = await finish(signed_in.olga, call, note="a long & winding note", **fields)
    assert answer.status_code == 422
    assert told in answer.text
    assert "a long &amp; winding note</textarea>" in answer.text
    assert f'action="/console/tasks/{call}/done"' in answer.text
    (task,) = await tasks_of(signed_in)
    assert task.done_at is None


async def test_a_callback_waits_under_later_until_its_day(signed_in, call):
    desk = signed_in
    await finish(desk.olga, call, result="not_reached", callback_on="2026-03-13")
    assert "No work here" in await desk.olga.see("/console/work")
    later = await desk.olga.see("/console/work?show=later")
    assert "agreed with Olga Marin" in later
    assert "13 Mar" in later
    desk.later(timedelta(days=2))
    await desk.olga.sign_in("olga")
    assert "agreed with Olga Marin" in await desk.olga.see("/console/work?show=callback")
    assert "Nothing is put off" in await desk.olga.see("/console/work?show=later")


async def test_what_was_done_by_hand_stands_in_the_history_on_its_day(signed_in):
    path = f"{ANA_PAGE}/deeds"
    answer = await signed_in.olga.press(path, ANA_PAGE, deed="equipment_returned", on="2026-03-02", note="one router")
    assert answer.status_code == 303
    page = await signed_in.olga.see(ANA_PAGE)
    assert "Olga Marin noted: equipment returned on 2 Mar: one router" in page
    for fields in ({}, {"deed": "visit_made"}, {"deed": "visit_made", "on": "2026-03-12"}, {"deed": "x", "on": "x"}):
        wrong = await signed_in.olga.press(path, ANA_PAGE, note="kept words", **fields)
        assert wrong.status_code == 422
        assert "kept words</textarea>" in wrong.text
        assert "Nothing was booked" in wrong.text


async def given_order(desk, verb: Verb = Verb.SUSPEND_SERVICE) -> int:
    await day_tick(desk.running.wired.app, desk.clock())
    async with desk.database.write() as session:
        case, account = await session.scalar(select(Case)), await session.scalar(select(Account.id))
        order = ServiceOrder(
            case_id=case.id, client_id=case.client_id, account_id=account, stage=0, verb=verb, ordered_at=desk.clock()
        )
        session.add(order)
        await session.flush()
    return order.id


async def test_an_order_without_an_answer_shows_as_open_and_a_person_can_answer(signed_in):
    desk = signed_in
    order = await given_order(desk)
    assert "suspend service on A1" in await desk.olga.see(ANA_PAGE)
    assert "Every order is answered" in await desk.olga.see("/console/work?show=orders")
    desk.later(OVERDUE + timedelta(minutes=1))
    await desk.olga.sign_in("olga")
    assert "no answer" in await desk.olga.see(ANA_PAGE)
    page = await desk.olga.see("/console/work?show=orders")
    assert 'Orders unanswered <span class="count">1</span>' in page
    path = f"/console/orders/{order}/answer"
    answer = await desk.olga.press(path, "/console/work?show=orders", outcome="done")
    assert answer.headers["location"] == "/console/work?show=orders"
    assert "done by Olga Marin: suspend service on account A1" in await desk.olga.see(ANA_PAGE)
    token = page.split('name="token" value="')[1].split('"')[0]
    late = await desk.olga.web.post(path, data={"token": token, "outcome": "refused"})
    assert late.status_code == 409
    assert "the first acknowledgement stands" in late.text


async def test_nothing_is_done_for_a_form_that_is_not_ours_or_a_task_that_is_not_there(signed_in, call):
    desk = signed_in
    for path in (f"/console/tasks/{call}/take", f"/console/tasks/{call}/done", f"{ANA_PAGE}/deeds"):
        assert (await desk.olga.web.post(path, data={"result": "reached"})).status_code == 403
    token = (await desk.olga.see(ANA_PAGE)).split('name="token" value="')[1].split('"')[0]
    for path in ("/console/tasks/999/take", "/console/tasks/999/done", "/console/orders/999/answer"):
        form = {"token": token, "result": "reached", "outcome": "done"}
        assert (await desk.olga.web.post(path, data=form)).status_code == 404
    (task,) = await tasks_of(desk)
    assert (task.assigned_to, task.done_at) == (None, None)
