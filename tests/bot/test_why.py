"""Why was this sent, and why was nobody contacted: what a collections manager reads."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from given import given_client, given_invoice, given_plans
from loop import running_loop
from sqlalchemy import select

from bot.answer import as_json, as_text
from engine.agreements.disputes import dispute
from engine.agreements.exemptions import exempt
from engine.agreements.pauses import pause
from engine.agreements.promises import promise
from engine.calendar import AnyHour, SendWindow
from engine.daily import decide_day
from engine.explaining.why import why
from engine.ledger import Received, receive
from engine.money import Money, money
from engine.promise import PromiseTerms
from engine.run import decide_clients
from engine.store.session import Database, lock_clients
from engine.store.tables.casework import Case
from engine.store.tables.portfolio import Invoice
from engine.work.deviations import Deviator, hold_stage, move, skip

PLAN = """
groups: [individuals]
plans:
  - plan: retail
    group: individuals
    standard: true
    start: {after_days: 4, min_debt: 10}
    stages:
      - stage: reminder
        actions: [{send: reminder, by: [email]}]
      - stage: warning
        after_days: 7
        actions: [{send: warning, by: [sms, email]}]
      - stage: restriction
        after_days: 7
        min_debt: 100
        actions: [{do: suspend_service}, {task: call}]
"""
HOURS = AnyHour()
FIRST = datetime(2025, 8, 5, 6, 0, tzinfo=UTC)
"""The bill of 1 August is four days past due: the morning on which the case begins."""


async def owing(database: Database) -> int:
    """Ana owes 200 lei since 1 August 2025."""
    async with database.write() as session:
        await given_plans(session, PLAN)
        ana = await given_client(session, email="ana@example.com")
        await given_invoice(session, ana, "I1", "200", date(2025, 8, 1))
    return ana


async def runs(database: Database, first: datetime, days: int) -> datetime:
    """The daily run of so many days. The last morning."""
    for number in range(days):
        now = first + timedelta(days=number)
        await decide_day(database, now.date(), now, HOURS)
    return now


async def told(database: Database, now: datetime, day: date | None = None) -> str:
    async with database.read() as session:
        return "\n".join(as_text(await why(session, "ana", day, now)))


async def payment(database: Database, ana: int, amount: str, at: datetime, *, ref: str = "p1") -> None:
    async with database.write() as session:
        await lock_clients(session, [ana])
        await receive(session, Received(ref, ana, money(amount, "RON"), at, "billing"), at)
        await decide_clients(session, [ana], at, HOURS)


async def test_a_case_that_begins_says_which_terms_held(database: Database) -> None:
    await owing(database)
    await runs(database, FIRST, 1)
    answer = await told(database, FIRST)
    assert "Real debt 200.00 RON, conditional debt 200.00 RON\n    I1 on A1, due 1 Aug 2025: 200.00 RON" in answer
    assert "Case: cycle 1, begun 5 Aug 2025, open, stage reminder since 5 Aug 2025" in answer
    assert (
        "09:00 A case began. Stage reminder was entered: conditional debt 200.00 RON reaches the 10.00 RON it needs."
        in answer
    )
    assert "reminder (stage reminder), planned 5 Aug 2025 09:00 by email: waits for the client's hours" in answer


async def test_the_next_stage_waits_for_a_day(database: Database) -> None:
    await owing(database)
    now = await runs(database, FIRST, 3)
    answer = await told(database, now)
    assert "Nothing new was decided on 7 Aug 2025; the last word is of 5 Aug 2025." in answer
    assert "The case stayed in reminder." in answer
    assert (
        "The next stage, warning, waits until 12 Aug 2025: 7 days after reminder was entered on 5 Aug 2025." in answer
    )
    assert "Contacts\n  none that day" in answer


async def test_frozen_money_keeps_a_stage_away(database: Database) -> None:
    ana = await owing(database)
    now = await runs(database, FIRST, 8)
    async with database.write() as session:
        disputed = await given_invoice(session, ana, "I3", "140", date(2025, 8, 10))
        await dispute(session, ana, Money(14000, "RON"), "wrong tariff", now, invoice=disputed)
    await payment(database, ana, "140", now)
    later = await runs(database, now + timedelta(days=7), 1)
    answer = await told(database, later)
    assert "Real debt 200.00 RON, conditional debt 60.00 RON" in answer
    assert "I3 on A1, due 10 Aug 2025: 140.00 RON, 140.00 RON of it frozen" in answer
    assert (
        "Conditional debt 60.00 RON is below the 100.00 RON that restriction needs; "
        "140.00 RON is frozen: dispute over I3 (wrong tariff)." in answer
    )
    assert "The case is suspended: only 60.00 RON may be collected now." in answer


async def test_a_promise_tells_until_when_it_freezes(database: Database) -> None:
    ana = await owing(database)
    now = await runs(database, FIRST, 1)
    async with database.write() as session:
        await promise(session, ana, Money(20000, "RON"), date(2025, 8, 20), now, PromiseTerms(channel="sms"))
        await decide_clients(session, [ana], now, HOURS)
    answer = await told(database, now)
    assert "frozen 200.00 RON: promise to pay until 20 Aug 2025 (promised by SMS)" in answer
    assert "200.00 RON was promised until 20 Aug 2025." in answer


async def test_a_pause_names_its_reason_and_who_made_it(database: Database) -> None:
    ana = await owing(database)
    now = await runs(database, FIRST, 1)
    async with database.write() as session:
        await pause(session, ana, 10, "in hospital", "Olga", now)
        await decide_clients(session, [ana], now, HOURS)
    answer = await told(database, now)
    assert "Paused until 15 Aug 2025: in hospital, by Olga." in answer
    assert "Olga paused all work until 15 Aug 2025: in hospital." in answer
    assert "In force by people\n  paused until 15 Aug 2025: in hospital, by Olga" in answer


async def test_stages_put_off_by_people_name_their_reason(database: Database) -> None:
    await owing(database)
    now = await runs(database, FIRST, 1)
    async with database.write() as session:
        case = await session.scalar(select(Case.id))
        await skip(session, case, "warning", Deviator("Olga", "writes to us already", now, HOURS))
        await hold_stage(session, case, "restriction", date(2025, 9, 1), Deviator("Ion", "son pays", now, HOURS))
    answer = await told(database, now)
    assert "The next stage, restriction, waits until 12 Aug 2025" in answer
    assert "Stage restriction is held back until 1 Sep 2025: son pays, by Ion." in answer
    assert "Olga took stage warning out of the case: writes to us already." in answer
    assert "stage warning taken out of the case: writes to us already, by Olga" in answer


async def test_an_exemption_shows_who_holds_what_out(database: Database) -> None:
    ana = await owing(database)
    async with database.write() as session:
        invoice = await session.scalar(select(Invoice.id))
        await exempt(session, ana, "goodwill", "Olga", FIRST, invoice=invoice)
    await runs(database, FIRST, 1)
    answer = await told(database, FIRST)
    assert (
        "No case begins: conditional debt of bills at least 4 days past due is 0.00 RON, below the 10.00 RON needed; "
        "200.00 RON is frozen: held out by a person over I1 (goodwill, by Olga)." in answer
    )
    assert "Olga held I1 out of the work: goodwill." in answer


async def test_a_young_debt_names_the_day_it_comes_of_age(database: Database) -> None:
    await owing(database)
    now = FIRST - timedelta(days=2)
    await runs(database, now, 1)
    answer = await told(database, now)
    assert "is 0.00 RON, below the 10.00 RON needed. More bills reach that age on 5 Aug 2025." in answer


async def test_the_day_a_case_closed_and_the_days_after(database: Database) -> None:
    ana = await owing(database)
    now = await runs(database, FIRST, 1)
    paid = now + timedelta(days=1)
    await payment(database, ana, "200", paid)
    assert "The case closed: real debt came down to 0.00 RON, and the plan ends work at nothing owed." in await told(
        database, paid
    )
    later = await runs(database, paid + timedelta(days=1), 1)
    answer = await told(database, later)
    assert "Nothing was due at the end of 7 Aug 2025." in answer
    assert "The case had closed on 6 Aug 2025, and no new one had begun." in answer
    past = await told(database, later, date(2025, 8, 5))
    assert "Case: cycle 1, begun 5 Aug 2025, open, stage reminder since 5 Aug 2025" in past


async def test_what_was_paid_before_a_case_began_is_not_told_as_owed(database: Database) -> None:
    ana = await owing(database)
    now = FIRST - timedelta(days=2)
    await runs(database, now, 1)
    await payment(database, ana, "200", now + timedelta(hours=1))
    later = await runs(database, now + timedelta(days=1), 1)
    assert "What was owed then has been paid since, so nobody was to be contacted." in await told(database, later)


async def test_days_without_a_decision_say_why(database: Database) -> None:
    await owing(database)
    answer = await told(database, FIRST, date(2025, 7, 1))
    assert "Nothing was known of ana on 1 Jul 2025: the first trace is of 1 Aug 2025." in answer
    unrun = await told(database, FIRST, date(2025, 8, 4))
    assert "No daily decision run is on record for 4 Aug 2025" in unrun
    assert "Nothing had been decided on this plan by then." in unrun
    today = await told(database, FIRST)
    assert "Preview: if a decision were taken now, it would say something else than the log:" in today
    assert "contact: reminder by email" in today


async def test_a_client_without_a_plan_is_told_so(database: Database) -> None:
    async with database.write() as session:
        await given_plans(session, PLAN.replace("    standard: true\n", ""))
        ana = await given_client(session)
        await given_invoice(session, ana, "I1", "200", date(2025, 8, 1))
    await runs(database, FIRST, 1)
    assert "No plan applies: the client's group has no standard plan in force" in await told(database, FIRST)


async def test_a_plan_that_includes_nothing_of_the_debt_is_told_so(database: Database) -> None:
    async with database.write() as session:
        await given_plans(session, PLAN.replace("    stages:", "    include: {services: [water]}\n    stages:"))
        ana = await given_client(session)
        await given_invoice(session, ana, "I1", "200", date(2025, 8, 1))
    await runs(database, FIRST, 1)
    assert "The plan includes none of what was due, 200.00 RON." in await told(database, FIRST)


async def test_orders_and_tasks_of_the_day(database: Database) -> None:
    await owing(database)
    now = await runs(database, FIRST, 15)
    answer = await told(database, now)
    assert "Orders\n  suspend service on A1, 19 Aug 2025 09:00: not acknowledged yet" in answer
    assert "Tasks\n  call: stage restriction, open" in answer
    assert "restriction is the last stage of the plan: nothing follows by itself." in answer
    async with database.read() as session:
        found = as_json(await why(session, "ana", None, now))
    assert found["orders"] == [{"verb": "suspend_service", "account": "A1", "outcome": None}]
    assert found["plans"][0]["latest"]["from_stage"] == "warning"
    assert found["due"] == [{"amount": "200.00", "currency": "RON"}]


async def test_what_was_sent_tells_how_it_fared(database_url: str, now: datetime) -> None:
    async with running_loop(database_url, now, plan=PLAN.replace("[email]", "[sms, email]")) as loop:
        await loop.decide()
        answer = await told(loop.sandbox.wired.app.database, loop.clock())
        assert "by sms, then email: sms 11 Mar 2026 10:00: delivered" in answer
        await loop.says("STOP")
        answer = await told(loop.sandbox.wired.app.database, loop.clock())
        assert "The client wants no more messages by sms (said by word)." in answer


async def test_who_cannot_be_reached_is_told_by_channel(database_url: str, now: datetime) -> None:
    async with running_loop(database_url, now, plan=PLAN.replace("[email]", "[sms, email]"), telegram="55") as loop:
        await loop.decide()
        answer = await told(loop.sandbox.wired.app.database, loop.clock())
        assert "nobody could be reached: no address for sms; no address for email." in answer


async def test_a_talk_with_a_person_holds_the_bot_back(database_url: str, now: datetime) -> None:
    async with running_loop(database_url, now, plan=PLAN.replace("[email]", "[sms, email]")) as loop:
        await loop.decide()
        await loop.says("operator")
        await loop.later(days=7)
        answer = await told(loop.sandbox.wired.app.database, loop.clock())
        assert "warning (stage warning)" in answer
        assert "a person has taken over a conversation by sms, so the bot starts none" in answer


async def test_what_was_paid_meanwhile_is_dropped(database_url: str, now: datetime) -> None:
    hours = SendWindow(time(14), time(18))
    async with running_loop(database_url, now, plan=PLAN.replace("[email]", "[sms]"), hours=hours) as loop:
        await loop.decide()
        waiting = await told(loop.sandbox.wired.app.database, loop.clock())
        assert "waits for the client's hours, from 11 Mar 2026 14:00." in waiting
        await payment(loop.sandbox.wired.app.database, loop.ana, "200", loop.clock())
        answer = await told(loop.sandbox.wired.app.database, loop.clock())
        assert "dropped before it went out: the debt it was about was paid or frozen, or its case closed." in answer


async def test_a_move_by_hand_says_who_moved_the_case_and_not_the_terms_of_the_plan(database: Database) -> None:
    await owing(database)
    await runs(database, FIRST, 1)
    async with database.write() as session:
        case = (await session.scalars(select(Case.id))).one()
        await move(session, case, "restriction", Deviator("Olga", "agreed with the provider", FIRST, HOURS))
    answer = await told(database, FIRST)
    assert "The case was moved to stage restriction by Olga: agreed with the provider." in answer
    assert "days have passed" not in answer
    async with database.write() as session:
        await move(session, case, "reminder", Deviator("Ion", "too soon", FIRST + timedelta(hours=1), HOURS))
    answer = await told(database, FIRST + timedelta(hours=1))
    assert "The case was moved to stage reminder by Ion: too soon." in answer
    assert "Back to stage" not in answer


async def test_a_payment_the_client_told_of_is_named_in_words(database: Database) -> None:
    ana = await owing(database)
    async with database.write() as session:
        claim = Received("claim:twilio-sms:SM1", ana, money("50", "RON"), FIRST, "claim", confirmed=False)
        await receive(session, claim, FIRST)
    await runs(database, FIRST, 1)
    answer = await told(database, FIRST)
    assert "said by the client" in answer
    assert "twilio" not in answer
