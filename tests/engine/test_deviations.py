"""What experienced staff may do to a case (B12), and that the history and the log say so."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from given import THREE_STAGES, given_client, given_invoice, given_plans
from sqlalchemy import select

from engine.agreements.exemptions import NoSuchExemption, NotTheirs, end_exemption, exempt
from engine.agreements.installments import agree_installments, running_plan
from engine.agreements.pauses import BadPause, NoSuchPause, end_pause, pause
from engine.calendar import AnyHour
from engine.contact import ChannelKind
from engine.full_run import decide_all
from engine.installment import Part
from engine.ledger import Received, credit_memo, receive
from engine.money import money
from engine.record import recorded
from engine.run import decide_changed, decide_clients
from engine.store.session import Database
from engine.store.tables.casework import Case, CaseEvent, Contact, DecisionRow, ServiceOrder, Task
from engine.store.tables.portfolio import Client, Invoice
from engine.work.deviations import (
    Deviator,
    NoRunningCase,
    NoSuchDeferral,
    NoSuchStage,
    SameVersion,
    TooLate,
    add_contact,
    change_version,
    hold_stage,
    move,
    resume,
    skip,
)

HOURS = AnyHour()


def at(day: int, hour: int = 6, month: int = 3) -> datetime:
    return datetime(2026, month, day, hour, tzinfo=UTC)


def olga(day: int, reason: str = "she called") -> Deviator:
    return Deviator("olga", reason, at(day, 10), HOURS)


@pytest.fixture
async def ana(database: Database) -> int:
    """Ana owes 200 and 60 since 1 March; on 6 March her reminder has been decided."""
    async with database.write() as session:
        await given_plans(session, THREE_STAGES)
        client = await given_client(session, sms="+40712345678")
        await given_invoice(session, client, "I1", "200", date(2026, 3, 1), account="A1")
        await given_invoice(session, client, "I2", "60", date(2026, 3, 1), account="A2")
    await decide_all(database, at(6), HOURS)
    return client


async def running(database: Database) -> Case:
    async with database.read() as session:
        return (await session.scalars(select(Case).where(Case.closed_at.is_(None)))).one()


async def story(database: Database) -> list[str]:
    async with database.read() as session:
        return list(await session.scalars(select(CaseEvent.kind).order_by(CaseEvent.id)))


async def test_a_case_is_moved_at_once_and_goes_on_from_there(database: Database, ana: int) -> None:
    case = await running(database)
    async with database.write() as session:
        await move(session, case.id, "restriction", olga(7))
    moved = await running(database)
    assert (moved.stage, moved.entered, moved.stage_entered_on) == (2, [0, 2], date(2026, 3, 7))
    async with database.read() as session:
        assert len((await session.scalars(select(ServiceOrder))).all()) == 2
        [event] = (await session.scalars(select(CaseEvent).where(CaseEvent.kind == "moved"))).all()
        assert event.detail == {"stage": "restriction", "by": "olga", "reason": "she called"}
    async with database.write() as session:
        await move(session, case.id, "reminder", olga(8))
    back = await running(database)
    assert (back.stage, back.stage_entered_on) == (0, date(2026, 3, 8))
    await decide_all(database, at(13), HOURS)
    assert (await running(database)).stage == 1, "five days after she was put back"


async def test_a_skipped_stage_is_never_entered_unless_resumed(database: Database, ana: int) -> None:
    case = await running(database)
    async with database.write() as session:
        await skip(session, case.id, "warning", olga(7))
    await decide_all(database, at(12), HOURS)
    assert (await running(database)).stage == 0
    async with database.write() as session:
        await resume(session, case.id, "warning", olga(12))
    assert (await running(database)).stage == 1, "its days are over, so it comes at once"
    async with database.write() as session:
        with pytest.raises(NoSuchDeferral):
            await resume(session, case.id, "warning", olga(12))


async def test_a_held_stage_waits_for_its_day(database: Database, ana: int) -> None:
    case = await running(database)
    async with database.write() as session:
        await hold_stage(session, case.id, "warning", date(2026, 3, 15), olga(7))
    await decide_all(database, at(14), HOURS)
    assert (await running(database)).stage == 0
    await decide_all(database, at(15), HOURS)
    assert (await running(database)).stage == 1


async def test_what_cannot_be_done_is_said(database: Database, ana: int) -> None:
    case = await running(database)
    async with database.write() as session:
        with pytest.raises(NoSuchStage, match="it has: reminder, warning, restriction"):
            await move(session, case.id, "nowhere", olga(7))
        with pytest.raises(TooLate):
            await skip(session, case.id, "reminder", olga(7))
        with pytest.raises(NoRunningCase):
            await move(session, case.id + 1, "warning", olga(7))
        with pytest.raises(SameVersion):
            await change_version(session, case.id, olga(7))


async def test_a_contact_can_be_added_twice(database: Database, ana: int) -> None:
    case = await running(database)
    async with database.write() as session:
        first = await add_contact(session, case.id, "reminder", [ChannelKind.SMS], olga(7))
        second = await add_contact(session, case.id, "reminder", [ChannelKind.SMS], olga(7))
    async with database.read() as session:
        rows = (await session.scalars(select(Contact).where(Contact.id.in_([first, second])))).all()
        assert {(row.occasion, row.state) for row in rows} == {("added", "planned")}


async def test_a_case_finishes_on_its_version_unless_moved(database: Database, ana: int) -> None:
    case = await running(database)
    shorter = THREE_STAGES.replace(
        "after_days: 5\n        actions: [{send: warning", "after_days: 1\n        actions: [{send: warning"
    )
    async with database.write() as session:
        await given_plans(session, shorter)
    await decide_all(database, at(7), HOURS)
    assert (await running(database)).stage == 0, "the version it began with waits five days"
    async with database.write() as session:
        await change_version(session, case.id, olga(7))
    moved = await running(database)
    assert (moved.stage, moved.plan_id > case.plan_id) == (1, True)


async def test_a_case_on_a_left_plan_finishes_first(database: Database, ana: int) -> None:
    other = THREE_STAGES[THREE_STAGES.index("  - plan") :].replace("plan: standard", "plan: other")
    both = THREE_STAGES + other.replace("standard: true", "standard: false")
    async with database.write() as session:
        await given_plans(session, both)
        (await session.get_one(Client, ana)).plans = ["other"]
    await decide_all(database, at(11), HOURS)
    case = await running(database)
    assert (case.plan_name, case.stage) == ("standard", 1)
    async with database.write() as session:
        await receive(session, Received("P1", ana, money("260", "RON"), at(12), "billing"), at(12))
        await decide_clients(session, [ana], at(12), HOURS)
        await given_invoice(session, ana, "I3", "70", date(2026, 3, 1))
    await decide_all(database, at(13), HOURS)
    assert (await running(database)).plan_name == "other"


async def test_a_pause_stops_the_clock_and_can_be_ended(database: Database, ana: int) -> None:
    async with database.write() as session:
        number = await pause(session, ana, 10, "in hospital", "olga", at(8, 10))
        with pytest.raises(BadPause):
            await pause(session, ana, 367, "forgotten", "olga", at(8, 10))
    await decide_all(database, at(12), HOURS)
    assert (await running(database)).stage == 0
    async with database.write() as session:
        assert await end_pause(session, number, "olga", at(13, 10)) == ana
        with pytest.raises(NoSuchPause):
            await end_pause(session, number, "olga", at(13, 11))
    await decide_all(database, at(15), HOURS)
    assert (await running(database)).stage == 0, "five days were paused: nine days since 6 March count as four"
    await decide_all(database, at(16), HOURS)
    assert (await running(database)).stage == 1


async def test_an_exempted_invoice_is_frozen_until_its_day(database: Database, ana: int) -> None:
    async with database.write() as session:
        big = await session.scalar(select(Invoice.id).where(Invoice.ref == "I1"))
        number = await exempt(session, ana, "wrong tariff", "olga", at(7), invoice=big, until=date(2026, 3, 20))
        assert await decide_clients(session, [ana], at(7), HOURS) == [], "60 is still enough for the next stage"
        await decide_clients(session, [ana], at(11), HOURS)
        row = await session.scalar(select(DecisionRow).order_by(DecisionRow.id.desc()).limit(1))
        assert row
        assert recorded(row.says).conditional == 60_00
        [hold] = row.inputs["holds"]
        assert (hold["kind"], hold["amount"], hold["until"]) == ("exemption", 200_00, "2026-03-20")
        await end_exemption(session, number, "olga", at(12))
        with pytest.raises(NoSuchExemption):
            await end_exemption(session, number, "olga", at(12))
        dan = await given_client(session, "dan", sms="+40712345679")
        with pytest.raises(NotTheirs):
            await exempt(session, dan, "wrong tariff", "olga", at(12), invoice=big)


async def test_a_whole_client_can_be_exempted(database: Database, ana: int) -> None:
    async with database.write() as session:
        await exempt(session, ana, "under guardianship", "olga", at(7))
        await decide_clients(session, [ana], at(7), HOURS)
    await decide_all(database, at(20), HOURS)
    case = await running(database)
    assert (case.stage, case.told) == (0, "suspended")


async def test_the_log_tells_a_decision_once_and_keeps_what_it_was_made_from(database: Database, ana: int) -> None:
    for day in (7, 8, 9):
        await decide_all(database, at(day), HOURS)
    async with database.read() as session:
        rows = (await session.scalars(select(DecisionRow).order_by(DecisionRow.id))).all()
    assert [(row.day.day, recorded(row.says).stage) for row in rows] == [(6, 0)]
    entered = recorded(rows[0].says)
    assert entered.begins
    assert entered.enters
    assert [(one.term, one.day) for one in entered.unmet] == [("after_days", date(2026, 3, 11))]
    assert [one["balance"] for one in rows[0].inputs["owed"]] == [200_00, 60_00]
    assert "paused" not in await story(database)


async def test_what_was_sent_keeps_its_stage_when_the_version_changes(database: Database, ana: int) -> None:
    case = await running(database)
    await decide_all(database, at(11), HOURS)
    fewer = THREE_STAGES.replace("      - stage: reminder\n        actions: [{send: reminder, by: [sms]}]\n", "")
    more = fewer + "      - stage: last\n        actions: [{send: final_notice, by: [sms]}]\n"
    async with database.write() as session:
        await given_plans(session, more)
        await change_version(session, case.id, olga(11))
    moved = await running(database)
    assert (moved.stage, moved.entered) == (0, [0]), "the reminder is gone, the warning is the first stage"
    await decide_all(database, at(21), HOURS)
    await decide_all(database, at(22), HOURS)
    async with database.read() as session:
        rows = await session.execute(select(Contact.stage, Contact.script).order_by(Contact.id))
        assert [tuple(row) for row in rows] == [(-2, "reminder"), (0, "warning"), (2, "final_notice")]


async def test_a_missed_installment_makes_a_task_though_nothing_is_due_yet(database: Database) -> None:
    async with database.write() as session:
        await given_plans(session, THREE_STAGES)
        client = await given_client(session, sms="+40712345678")
        await given_invoice(session, client, "I1", "200", date(2026, 4, 1))
        parts = [Part(date(2026, 3, 10), 100_00), Part(date(2026, 4, 10), 100_00)]
        await agree_installments(session, client, "RON", parts, at(5))
    await decide_all(database, at(10), HOURS)
    await decide_all(database, at(11), HOURS)
    await decide_all(database, at(12), HOURS)
    async with database.read() as session:
        assert list(await session.scalars(select(Task.kind))) == ["call"]


async def test_an_installment_plan_ends_with_the_debt_it_was_for(database: Database, ana: int) -> None:
    async with database.write() as session:
        parts = [Part(date(2026, 3, 20), 130_00), Part(date(2026, 4, 20), 130_00)]
        await agree_installments(session, ana, "RON", parts, at(7))
        for ref, amount in (("I1", 200_00), ("I2", 60_00)):
            invoice = await session.scalar(select(Invoice.id).where(Invoice.ref == ref))
            assert invoice
            await credit_memo(session, invoice, amount, at(8))
        await decide_clients(session, [ana], at(8), HOURS)
        assert await running_plan(session, ana, "RON") is None


async def test_a_case_moved_on_the_day_it_entered_a_stage_goes_on_from_there(database: Database) -> None:
    """It rested until the day of the stage that was next before."""
    async with database.write() as session:
        await given_plans(session, THREE_STAGES.replace("after_days: 10", "after_days: 2"))
        client = await given_client(session, sms="+40712345678")
        await given_invoice(session, client, "I1", "200", date(2026, 3, 1))
    await decide_all(database, at(6), HOURS)
    await decide_changed(database, at(6, 9), HOURS)
    async with database.write() as session:
        await move(session, await session.scalar(select(Case.id)), "warning", olga(6))
    for day in (7, 8):
        await decide_all(database, at(day), HOURS)
    async with database.read() as session:
        assert await session.scalar(select(Case.stage)) == 2
