"""Orders to other systems: acknowledged once, in the history, and the account's status follows what was done."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from given import given_client, given_invoice, given_plans
from sqlalchemy import select, text

from engine.plan import Verb
from engine.store.session import Database
from engine.store.tables.casework import Case, CaseEvent, OrderOutcome, ServiceOrder, Task
from engine.store.tables.portfolio import Account, PlanVersion
from engine.work.orders import (
    OVERDUE,
    Acknowledgement,
    Contradicted,
    NoSuchOrder,
    acknowledge,
    open_orders,
    overdue_orders,
)

DONE = Acknowledgement(OrderOutcome.DONE, "WO-17", "port closed")
REFUSED = Acknowledgement(OrderOutcome.REFUSED, None, "line under repair")


@pytest.fixture
async def case(database: Database, now) -> tuple[int, int, int]:
    """Ana with a case on the standard plan, and her account: (client, case, account)."""
    async with database.write() as session:
        await given_plans(session)
        ana = await given_client(session)
        await given_invoice(session, ana, "I1", "200", date(2026, 3, 1))
        await given_invoice(session, ana, "I2", "55.50", date(2026, 4, 1))
        version = await session.scalar(select(PlanVersion.id))
        row = Case(
            client_id=ana, plan_id=version, plan_name="standard", currency="RON", cycle=1, stage=1,
            started_on=date(2026, 3, 6), told="open",
        )  # fmt: skip
        session.add(row)
        await session.flush()
        account = await session.scalar(select(Account.id))
    return ana, row.id, account


async def ordered(database: Database, case: tuple[int, int, int], now, *verbs: Verb, stage: int = 1) -> list[int]:
    ana, number, account = case
    rows = [
        ServiceOrder(case_id=number, client_id=ana, account_id=account, stage=stage, verb=verb, ordered_at=now)
        for verb in verbs
    ]
    async with database.write() as session:
        for row in rows:
            session.add(row)
            await session.flush()
    return [row.id for row in rows]


async def tell(database: Database, order: int, said: Acknowledgement, now) -> ServiceOrder:
    async with database.write() as session:
        return await acknowledge(session, order, said, now)


async def status(database: Database) -> str:
    async with database.read() as session:
        return (await session.scalars(select(Account.status))).one()


async def history(database: Database) -> list[tuple[str, dict]]:
    async with database.read() as session:
        return [(row.kind, row.detail) for row in await session.scalars(select(CaseEvent).order_by(CaseEvent.id))]


async def test_open_orders_come_by_number_with_all_the_other_system_needs(database, case, now):
    first, second = await ordered(database, case, now, Verb.SUSPEND_SERVICE, Verb.STATUS_COLLECTIONS)
    async with database.read() as session:
        one, two = await open_orders(session, now)
        assert [order.id for order in await open_orders(session, now, after=first)] == [second]
        assert [order.id for order in await open_orders(session, now, limit=1)] == [first]
    assert (one.verb, one.client, one.account, one.service, one.provider) == (
        "suspend_service", "ana", "A1", "internet", "acme",
    )  # fmt: skip
    assert (one.plan, one.stage, str(one.owed)) == ("standard", "restriction", "200.00 RON")
    assert two.verb == "status_collections"


async def test_an_order_without_an_account_tells_what_the_client_owes(database, case, now):
    ana, number, _ = case
    await ordered(database, (ana, number, None), now, Verb.RECOMMEND_CREDIT_LIMIT)
    async with database.read() as session:
        (order,) = await open_orders(session, now + timedelta(days=30))
    assert (order.account, str(order.owed)) == (None, "255.50 RON")


async def test_an_order_from_before_any_stage_names_none(database, case, now):
    await ordered(database, case, now, Verb.RESTORE_SERVICE, stage=-1)
    async with database.read() as session:
        (order,) = await open_orders(session, now)
    assert order.stage is None


async def test_the_status_follows_what_was_done_and_not_what_was_ordered(database, case, now):
    off, on, sold = await ordered(
        database, case, now, Verb.SUSPEND_SERVICE, Verb.RESTORE_SERVICE, Verb.STATUS_COLLECTIONS
    )
    assert await status(database) == "active"
    await tell(database, off, DONE, now)
    assert await status(database) == "suspended"
    await tell(database, on, DONE, now)
    assert await status(database) == "active"
    await tell(database, sold, DONE, now)
    assert await status(database) == "collections"


async def test_orders_answered_out_of_order_end_as_they_were_ordered(database, case, now):
    off, on = await ordered(database, case, now, Verb.SUSPEND_SERVICE, Verb.RESTORE_SERVICE)
    await tell(database, on, DONE, now)
    await tell(database, off, DONE, now)
    assert await status(database) == "active"


async def test_other_orders_leave_the_status_as_it_is(database, case, now):
    (fee,) = await ordered(database, case, now, Verb.CHARGE_FEE)
    await tell(database, fee, DONE, now)
    assert await status(database) == "active"


async def test_an_acknowledged_order_is_no_longer_open_and_stands_in_the_history(database, case, now):
    (off,) = await ordered(database, case, now, Verb.SUSPEND_SERVICE)
    booked = await tell(database, off, DONE, now)
    assert (booked.outcome, booked.reference, booked.acknowledged_at) == ("done", "WO-17", now)
    async with database.read() as session:
        assert await open_orders(session, now) == []
    told = {"order": off, "verb": "suspend_service", "account": "A1", "reference": "WO-17", "note": "port closed"}
    assert await history(database) == [("order_done", told)]


async def test_the_same_acknowledgement_again_changes_nothing(database, case, now):
    (off,) = await ordered(database, case, now, Verb.SUSPEND_SERVICE)
    await tell(database, off, DONE, now)
    again = await tell(database, off, DONE, now + timedelta(hours=1))
    assert again.acknowledged_at == now
    assert len(await history(database)) == 1


async def test_another_outcome_or_reference_is_refused_and_the_first_stands(database, case, now):
    (off,) = await ordered(database, case, now, Verb.SUSPEND_SERVICE)
    await tell(database, off, DONE, now)
    for other in (REFUSED, Acknowledgement(OrderOutcome.DONE, "WO-18")):
        with pytest.raises(Contradicted, match=r"done, reference WO-17; the first"):
            await tell(database, off, other, now)
    assert await status(database) == "suspended"


async def test_a_refusal_makes_one_task_to_review_and_leaves_the_status(database, case, now):
    (off,) = await ordered(database, case, now, Verb.SUSPEND_SERVICE)
    for _ in range(2):
        await tell(database, off, REFUSED, now)
    async with database.read() as session:
        (task,) = (await session.scalars(select(Task))).all()
    assert (task.kind, task.reason) == ("review", "order refused: suspend_service: line under repair")
    assert await status(database) == "active"
    assert [kind for kind, _ in await history(database)] == ["order_refused", "task"]


async def test_an_unknown_order_is_told(database, case, now):
    with pytest.raises(NoSuchOrder):
        await tell(database, 999, DONE, now)


async def test_an_order_is_overdue_after_half_a_working_day(database, case, now):
    await ordered(database, case, now, Verb.SUSPEND_SERVICE)
    async with database.read() as session:
        assert await overdue_orders(session, now + OVERDUE) == 0
        assert await overdue_orders(session, now + OVERDUE + timedelta(seconds=1)) == 1


async def test_open_pages_are_told_of_orders(database, case, now):
    async with database.listen("console") as listener:
        (off,) = await ordered(database, case, now, Verb.SUSPEND_SERVICE)
        await tell(database, off, DONE, now)
        heard = [note.payload async for note in listener.notifies(timeout=10, stop_after=2)]
    assert heard == [f"client:{case[0]}"] * 2


async def test_the_store_keeps_no_half_acknowledgement(database, case, now):
    (off,) = await ordered(database, case, now, Verb.SUSPEND_SERVICE)
    with pytest.raises(Exception, match="ck_service_orders_acknowledged"):
        async with database.write() as session:
            await session.execute(text("update service_orders set outcome = 'done' where id = :id"), {"id": off})
