"""The feed of changed clients: every change of facts marks its client, deciding settles, and no change is missed."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from feeding import Desk
from given import ORDERS, given_client, given_invoice, given_plans
from reached import given_opened
from sqlalchemy import select, text

from engine.agreements.disputes import dispute
from engine.agreements.exemptions import end_exemption, exempt
from engine.agreements.installments import agree_installments, cancel_installments
from engine.agreements.pauses import end_pause, pause
from engine.agreements.promises import judge_promises, promise, replace_promises, withdraw_promise
from engine.calendar import AnyHour
from engine.contact import Delivery
from engine.full_run import decide_all
from engine.installment import Part
from engine.intake.rows import Kind
from engine.ledger import Received, confirm, credit_memo, receive, reject, resolve
from engine.money import money
from engine.refunds import refund_invoice, reverse
from engine.run import decide_changed
from engine.store.feed import changed_clients
from engine.store.questions import MANY, facts_about
from engine.store.session import Database, WriteSession
from engine.store.tables.casework import Case, Contact, ContactState, DeferralRow, OrderOutcome, ServiceOrder
from engine.store.tables.portfolio import Client, Invoice
from engine.work.orders import Acknowledgement, acknowledge

HOURS = AnyHour()
DUE = date(2026, 3, 1)
NOW = datetime(2026, 3, 11, 8, tzinfo=UTC)
PLAN = f"""{ORDERS.replace("actions: [", "actions: [{send: reminder, by: [sms]}, ").rstrip()}
      - stage: later
        after_days: 90
        needs_delivered: restriction
        actions: [{{task: call}}]
"""


@dataclass
class Scene:
    """Ana is being worked over one invoice and one account; Ion owes the same and nothing happens to him."""

    database: Database
    session: WriteSession
    ana: int
    ion: int
    invoice: int

    async def paid(self, ref: str, amount: str, *, confirmed: bool = True) -> None:
        payment = Received(ref, self.ana, money(amount, "RON"), NOW, "test", confirmed=confirmed)
        await receive(self.session, payment, NOW)

    async def promised(self, amount: str = "60") -> int:
        return await promise(self.session, self.ana, money(amount, "RON"), date(2026, 3, 14), NOW)

    async def agreed(self) -> int:
        parts = [Part(date(2026, 3, day), 75_00) for day in (14, 20)]
        return await agree_installments(self.session, self.ana, "RON", parts, NOW)

    async def case(self) -> Case:
        return (await self.session.scalars(select(Case).where(Case.client_id == self.ana))).one()

    async def contact(self) -> Contact:
        return (await self.session.scalars(select(Contact).where(Contact.client_id == self.ana))).one()


@pytest.fixture
async def scene(database: Database) -> Scene:
    async with database.write() as session:
        await given_plans(session, PLAN)
        ana, ion = [await given_client(session, ref, sms=f"+4071234567{at}") for at, ref in enumerate(("ana", "ion"))]
        invoice = await given_invoice(session, ana, "I1", "150", DUE, account="A1")
        await given_invoice(session, ion, "I2", "150", DUE, account="A2")
    await decide_all(database, NOW, HOURS)
    return Scene(database, session, ana, ion, invoice)


async def marked(database: Database) -> list[int]:
    async with database.read() as session:
        return await changed_clients(session, 100)


Change = AsyncIterator[None]
"""What has to be there before, up to its yield, and the change after that."""


async def payment(scene: Scene) -> Change:
    yield
    await scene.paid("P1", "20")


async def announcement(scene: Scene) -> Change:
    yield
    await scene.paid("P1", "20", confirmed=False)


async def announced_and_arrived(scene: Scene) -> Change:
    await scene.paid("P1", "20", confirmed=False)
    yield
    await confirm(scene.session, "P1", NOW)


async def announced_for_nothing(scene: Scene) -> Change:
    await scene.paid("P1", "20", confirmed=False)
    yield
    await reject(scene.session, "P1", NOW)


async def payment_taken_back(scene: Scene) -> Change:
    await scene.paid("P1", "20")
    yield
    await reverse(scene.session, "P1", NOW)


async def invoice_paid_back(scene: Scene) -> Change:
    await scene.paid("P1", "20")
    yield
    await refund_invoice(scene.session, scene.invoice, NOW)


async def memo(scene: Scene) -> Change:
    yield
    await credit_memo(scene.session, scene.invoice, 10_00, NOW)


async def promise_made(scene: Scene) -> Change:
    yield
    await scene.promised()


async def promise_withdrawn(scene: Scene) -> Change:
    number = await scene.promised()
    yield
    await withdraw_promise(scene.session, number, "changed her mind", NOW)


async def promise_replaced(scene: Scene) -> Change:
    await scene.promised()
    later = await scene.promised("50")
    yield
    await replace_promises(scene.session, later, NOW)


async def promise_broken(scene: Scene) -> Change:
    await scene.promised()
    yield
    assert await judge_promises(scene.session, NOW + timedelta(days=5)) == 1


async def promise_partly_paid(scene: Scene) -> Change:
    await scene.promised()
    yield
    await scene.paid("P1", "20")


async def contested(scene: Scene) -> Change:
    yield
    await dispute(scene.session, scene.ana, money(30, "RON"), "not mine", NOW, scene.invoice)


async def contest_resolved(scene: Scene) -> Change:
    number = await dispute(scene.session, scene.ana, money(30, "RON"), "not mine", NOW, scene.invoice)
    yield
    await resolve(scene.session, number, 0, NOW)


async def exemption(scene: Scene) -> Change:
    yield
    await exempt(scene.session, scene.ana, "flood", "olga", NOW)


async def exemption_ended(scene: Scene) -> Change:
    number = await exempt(scene.session, scene.ana, "flood", "olga", NOW, invoice=scene.invoice)
    yield
    await end_exemption(scene.session, number, "olga", NOW)


async def paused(scene: Scene) -> Change:
    yield
    await pause(scene.session, scene.ana, 5, "ill", "olga", NOW)


async def pause_ended(scene: Scene) -> Change:
    number = await pause(scene.session, scene.ana, 5, "ill", "olga", NOW)
    yield
    await end_pause(scene.session, number, "olga", NOW + timedelta(days=1))


async def installments(scene: Scene) -> Change:
    yield
    await scene.agreed()


async def installments_cancelled(scene: Scene) -> Change:
    plan = await scene.agreed()
    yield
    await cancel_installments(scene.session, plan, "no money", NOW)


async def installment_paid(scene: Scene) -> Change:
    await scene.agreed()
    yield
    await scene.paid("P1", "75")


async def installment_moved(scene: Scene) -> Change:
    await scene.agreed()
    yield
    await scene.session.execute(text("update installments set due = due + 1 where no = 1"))


async def stage_held_back(scene: Scene) -> Change:
    case = await scene.case()
    yield
    scene.session.add(DeferralRow(case_id=case.id, stage=1, reason="asked", made_by="olga", made_at=NOW))


async def stage_let_go(scene: Scene) -> Change:
    case = await scene.case()
    scene.session.add(DeferralRow(case_id=case.id, stage=1, reason="asked", made_by="olga", made_at=NOW))
    yield
    await scene.session.execute(text("update deferrals set ended_at = now()"))


async def case_moved_by_hand(scene: Scene) -> Change:
    yield
    await scene.session.execute(text("update cases set stage = -1 where client_id = :ana"), {"ana": scene.ana})


async def order_acknowledged(scene: Scene) -> Change:
    yield
    orders = select(ServiceOrder.id).where(ServiceOrder.client_id == scene.ana).limit(1)
    number = (await scene.session.scalars(orders)).one()
    await acknowledge(scene.session, number, Acknowledgement(OrderOutcome.DONE), NOW)


async def order_by_hand(scene: Scene) -> Change:
    case = await scene.case()
    yield
    scene.session.add(ServiceOrder(case_id=case.id, client_id=scene.ana, stage=-1, verb="letter", ordered_at=NOW))


async def account_of_another_provider(scene: Scene) -> Change:
    yield
    await scene.session.execute(text("update accounts set provider = 'other' where ref = 'A1'"))


async def contact_superseded(scene: Scene) -> Change:
    yield
    (await scene.contact()).state = ContactState.SUPERSEDED


async def contact_beside_the_stages(scene: Scene) -> Change:
    case = (await scene.case()).id
    yield
    contact = await scene.contact()
    columns = {column: getattr(contact, column) for column in ("plan_id", "currency", "send_from", "send_until")}
    scene.session.add(
        Contact(
            **columns,
            client_id=scene.ana,
            case_id=case,
            occasion="promise_before",
            source="promise:1:before",
            stage=-1,
            action=0,
            touch=0,
            script="promise_reminder",
            channels=["sms"],
            state=ContactState.PLANNED,
            planned_at=NOW,
        )
    )


async def delivery_report(scene: Scene) -> Change:
    contact = await scene.contact()
    await given_opened(scene.session, contact, Delivery.SENT, NOW)
    yield
    await scene.session.execute(text("update outbound set state = 'delivered'"))


async def other_plan(scene: Scene) -> Change:
    yield
    await scene.session.execute(text("update clients set plans = '{other}' where id = :ana"), {"ana": scene.ana})


async def moved_to_another_zone(scene: Scene) -> Change:
    yield
    (await scene.session.get_one(Client, scene.ana)).timezone = "Europe/London"


async def due_later(scene: Scene) -> Change:
    yield
    (await scene.session.get_one(Invoice, scene.invoice)).due = DUE + timedelta(days=3)


async def newly_billed(scene: Scene) -> Change:
    yield
    await given_invoice(scene.session, scene.ana, "I9", "10", DUE, account="A1")


CHANGES: tuple[Callable[[Scene], Change], ...] = (
    *(payment, announcement, announced_and_arrived, announced_for_nothing, payment_taken_back, invoice_paid_back, memo),
    *(promise_made, promise_withdrawn, promise_replaced, promise_broken, promise_partly_paid),
    *(contested, contest_resolved, exemption, exemption_ended, paused, pause_ended),
    *(installments, installments_cancelled, installment_paid, installment_moved, stage_held_back, stage_let_go),
    *(case_moved_by_hand, order_acknowledged, order_by_hand, account_of_another_provider),
    *(contact_superseded, contact_beside_the_stages, delivery_report),
    *(other_plan, moved_to_another_zone, due_later, newly_billed),
)


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
async def test_a_change_of_facts_marks_its_client(scene: Scene, change: Callable[[Scene], Change]) -> None:
    happening = change(scene)
    async with scene.database.write() as scene.session:
        await anext(happening)
    await decide_changed(scene.database, NOW, HOURS)
    assert await marked(scene.database) == [], "deciding settles what was marked before"
    async with scene.database.write() as scene.session:
        assert await anext(happening, "over") == "over"
    assert await marked(scene.database) == [scene.ana]


async def test_an_import_marks_whom_it_bills_or_moves(scene: Scene, tmp_path: Path) -> None:
    database = scene.database
    desk = Desk(database, tmp_path, NOW)
    async with database.write() as session:
        dan, eva = [await given_client(session, ref) for ref in ("dan", "eva")]
        await given_invoice(session, dan, "I3", "5", DUE, account="A3")
        await given_invoice(session, eva, "I4", "5", DUE, account="A4")
    await decide_changed(database, NOW, HOURS)
    await desk.take(Kind.INVOICES, "invoice,account,issued,due,amount\nI5,A3,2026-02-01,2026-03-01,70.00\n")
    assert await marked(database) == [dan]
    columns = "client,group,name,language,timezone,plan"
    await desk.take(Kind.CLIENTS, f"{columns}\neva,individuals,Eva,ro,Europe/Bucharest,standard\n")
    assert await marked(database) == [dan, eva]


async def test_what_a_decision_writes_marks_nobody(scene: Scene) -> None:
    """Ana pays all: her case closes, her claim and her installments end, her contact is superseded."""
    assert await marked(scene.database) == [], "the first run began two cases"
    async with scene.database.write() as scene.session:
        await scene.agreed()
        await scene.paid("claim", "500", confirmed=False)
        await scene.session.execute(text("update payments set source = 'claim'"))
        await scene.paid("P1", "150")
    tally = await decide_changed(scene.database, NOW, HOURS)
    assert (tally.clients, tally.changes["case closed"]) == (1, 1)
    async with scene.database.read() as session:
        found = text("""
            select (select ending from cases where client_id = :ana), (select outcome from installment_plans),
                   (select status from payments where ref = 'claim'),
                   (select state from contacts where client_id = :ana)
        """)
        row = (await session.execute(found, {"ana": scene.ana})).one()
    assert tuple(row) == ("paid", "paid", "rejected", "superseded")
    assert await marked(scene.database) == []


UNWATCHED = {
    "plans update": "a new version of a plan takes hold at the next daily run",
    "plans insert": "likewise",
    "clients insert": "a new client owes nothing until they are billed",
    "accounts insert": "likewise",
    "cases insert": "only a decision begins a case",
    "appropriations update": "they are written once",
    "outbound insert": "what is not yet sent has reached nobody",
    "conversations insert": "a contact is marked as opened in the transaction that opens its conversation",
    "conversations update": "when one was opened, and on which channel, never changes",
    "attempts insert": "the state of its outbound message changes with it",
    "attempts update": "likewise",
    "decisions insert": "the log is no fact, only what was said last",
    "decisions update": "it is append-only",
    "tasks insert": "only a decision asks for work on a missed installment",
    "tasks update": "it matters only that a task is there",
}


async def test_every_table_that_facts_come_from_is_watched(database: Database) -> None:
    asked = {"now": NOW, "clients": [1]}
    question = re.sub(r"%\((\w+)\)s", r":\1", facts_about(MANY).replace("::", "\\:\\:"))
    async with database.read() as session:
        plan = await session.scalar(text(f"explain (format json) {question}"), asked)
        triggers = set(await session.scalars(TRIGGERS))
    tables = set(re.findall(r"'Relation Name': '(\w+)'", str(plan)))
    assert {"invoices", "promises", "deferrals", "attempts"} <= tables
    assert {f"{table} {event}" for table in tables for event in ("insert", "update")} - triggers == set(UNWATCHED)


TRIGGERS = text("""
select event_object_table || ' ' || lower(event_manipulation) from information_schema.triggers
where trigger_name like 'mark\\_%'
""")
