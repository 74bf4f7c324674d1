"""What becomes of a planned contact by the time its hour comes: pauses, payments, cycles that are over, courtesies."""

from __future__ import annotations

from datetime import datetime, time

from given import PLAN, given_invoice
from loop import ANA_PHONE, running_loop

from engine.agreements.pauses import pause
from engine.agreements.promises import promise
from engine.calendar import SendWindow
from engine.ledger import Received, receive
from engine.money import money
from engine.run import decide_clients
from engine.store.session import lock_clients

BLINKING = PLAN.replace("standard: true", "standard: true\n    blinking: true").split("      - stage: restriction")[0]
COURTEOUS = PLAN.replace(
    "    stages:", "    courtesy: [{before_due: 3, send: courtesy_reminder, by: [sms]}]\n    stages:", 1
)
STATES = "select occasion, state from contacts order by id"
MORNING, EVENING = time(11), time(20)


async def test_a_pause_holds_back_what_was_planned_before_it(database_url: str, now: datetime) -> None:
    async with running_loop(database_url, now, hours=SendWindow(MORNING, EVENING)) as loop:
        await loop.decide()
        assert await loop.asks(STATES) == [("stage", "planned")], "10:00 in Bucharest"
        async with loop.sandbox.wired.app.database.write() as session:
            await pause(session, loop.ana, 2, "a death in the family", "olga", loop.clock())
        await loop.later(hours=2)
        assert loop.heard() == []
        await loop.later(days=1)
        assert loop.heard() == []
        await loop.later(days=1)
        assert len(loop.heard()) == 1, "the notice was not lost: it comes in the first hours after the pause"


async def test_the_last_notice_of_a_blinking_cycle_goes_out_though_the_case_is_closed(
    database_url: str, now: datetime
) -> None:
    async with running_loop(database_url, now, hours=SendWindow(MORNING, EVENING), plan=BLINKING) as loop:
        await loop.decide()
        assert await loop.asks("select told, ending from cases") == [("closed", "worked")]
        await loop.later(hours=2)
        assert len(loop.heard()) == 1
        await loop.later(days=20)
        assert len(loop.heard()) == 1, "later cycles leave that debt alone"


async def test_nor_does_it_when_the_debt_was_paid_meanwhile(database_url: str, now: datetime) -> None:
    async with running_loop(database_url, now, hours=SendWindow(MORNING, EVENING), plan=BLINKING) as loop:
        await loop.decide()
        app = loop.sandbox.wired.app
        async with app.database.write() as session:
            await lock_clients(session, [loop.ana])
            paid = Received("bank:1", loop.ana, money("200", "RON"), loop.clock(), "bank")
            await receive(session, paid, loop.clock())
            await decide_clients(session, [loop.ana], loop.clock(), app.hours)
        await loop.later(hours=2)
        assert loop.heard() == []
        assert await loop.asks(STATES) == [("stage", "superseded")]


async def test_a_coming_invoice_is_announced_by_its_script(database_url: str, now: datetime) -> None:
    async with running_loop(database_url, now, plan=COURTEOUS, sms=ANA_PHONE) as loop:
        app = loop.sandbox.wired.app
        async with app.database.write() as session:
            await lock_clients(session, [loop.ana])
            paid = Received("bank:1", loop.ana, money("200", "RON"), loop.clock(), "bank")
            await receive(session, paid, loop.clock())
            due = now.date().replace(day=14)
            await given_invoice(session, loop.ana, "I2", "75", due, account="ACC-1001")
        await loop.decide()
        [text] = loop.heard()
        assert "75" in text
        assert "14" in text
        assert await loop.asks(STATES) == [("before_due", "opened")]
        await loop.says("da")
        assert await loop.asks("select state from inbox where state <> 'done'") == [], "an answer to it is understood"


async def test_a_reminder_of_a_promise_kept_meanwhile_is_dropped(database_url: str, now: datetime) -> None:
    follow = PLAN.replace("    stages:", "    follow_up: {promise_before: 1, by: [sms]}\n    stages:", 1)
    window = SendWindow(MORNING, EVENING)
    async with running_loop(database_url, now, hours=window, plan=follow) as loop:
        app = loop.sandbox.wired.app
        async with app.database.write() as session:
            await promise(session, loop.ana, money("200", "RON"), now.date().replace(day=13), loop.clock())
        await loop.decide()
        await loop.later(days=1)
        assert await loop.asks(STATES) == [("promise_before", "planned")]
        async with app.database.write() as session:
            await lock_clients(session, [loop.ana])
            paid = Received("bank:1", loop.ana, money("200", "RON"), loop.clock(), "bank")
            await receive(session, paid, loop.clock())
        await loop.later(hours=2)
        assert await loop.asks(STATES) == [("promise_before", "superseded")]
        assert loop.heard() == []
