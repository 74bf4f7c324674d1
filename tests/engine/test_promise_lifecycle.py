"""A promise from the day it is made to its judgment: grace, threshold, replacement, withdrawal, other means."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from given import PLAN, given_client, given_invoice, given_plans
from sqlalchemy import func, select, text

from engine.agreements.promises import NoSuchPromise, judge_promises, promise, to_be_judged, withdraw_promise
from engine.apply import Source, apply, promise_terms
from engine.calendar import AnyHour
from engine.day import turn_day
from engine.ledger import Received, credit_memo, receive
from engine.money import money
from engine.outcome import PromiseMade
from engine.promise import PromiseState, PromiseTerms, fulfilment, judge
from engine.store.session import Database, ReadSession, WriteSession
from engine.store.tables.casework import CaseEvent
from engine.store.tables.ledger import Appropriation, Promise

UNTIL = date(2026, 3, 20)
MADE = datetime(2026, 3, 11, 8, tzinfo=UTC)
GRACEFUL = PLAN.replace("    standard: true\n", "    standard: true\n    grace: 3\n    promise_threshold: 90\n")


def at(day: int, hour: int = 8) -> datetime:
    return datetime(2026, 3, day, hour, tzinfo=UTC)


@pytest.fixture
async def ana(database: Database) -> int:
    """Ana, in Bucharest (UTC+2), owes 200 on I1, long due."""
    async with database.write() as session:
        await given_plans(session, GRACEFUL)
        client = await given_client(session, "ana", sms="+40712345678")
        await given_invoice(session, client, "I1", "200", date(2026, 2, 1))
    return client


async def promised(session: WriteSession, client: int, amount: str = "100", **terms: int | str) -> int:
    return await promise(session, client, money(amount, "RON"), UNTIL, MADE, PromiseTerms(**terms))  # type: ignore[arg-type]


async def pay(session: WriteSession, client: int, amount: str, now: datetime) -> None:
    await receive(session, Received(f"p:{now}:{amount}", client, money(amount, "RON"), now, "billing"), now)


async def states(session: ReadSession) -> list[str]:
    return list(await session.scalars(select(Promise.state).order_by(Promise.id)))


async def told(session: ReadSession, kind: str) -> list[dict[str, object]]:
    rows = await session.scalars(select(CaseEvent.detail).where(CaseEvent.kind == kind).order_by(CaseEvent.id))
    return list(rows)


async def frozen_until(session: ReadSession) -> date | None:
    return await session.scalar(text("select max(until) from conditional_payments where kind = 'promise'"))


def test_the_full_sum_keeps_a_promise_at_once_the_threshold_only_at_judgment() -> None:
    assert judge(100, 100, over=False, threshold=90) is PromiseState.KEPT
    assert judge(100, 99, over=False, threshold=90) is PromiseState.OPEN
    assert judge(100, 90, over=True, threshold=90) is PromiseState.KEPT
    assert judge(100, 89, over=True, threshold=90) is PromiseState.PARTLY_KEPT
    assert judge(100, 0, over=True, threshold=1) is PromiseState.BROKEN


def test_the_degree_of_fulfilment_is_in_whole_percent() -> None:
    assert [fulfilment(300, paid) for paid in (0, 100, 299, 300, 400)] == [0, 33, 99, 100, 100]


async def test_grace_keeps_a_promise_open_and_the_money_frozen(database: Database, ana: int) -> None:
    async with database.write() as session:
        await promised(session, ana, grace=3)
        assert await frozen_until(session) == date(2026, 3, 23)
        assert await judge_promises(session, at(23, 21)) == 0, "in Bucharest it is still the 23rd"
        await pay(session, ana, "40", at(23, 20))
        assert await judge_promises(session, at(23, 22)) == 1
        assert await states(session) == ["partly_kept"]
        assert (await told(session, "promise_partly_kept"))[0]["fulfilment"] == 40


async def test_a_payment_within_the_grace_keeps_it(database: Database, ana: int) -> None:
    async with database.write() as session:
        await promised(session, ana, grace=3)
        await pay(session, ana, "100", at(22))
        assert await states(session) == ["kept"]


async def test_a_payment_after_the_grace_does_not_even_where_nobody_has_judged_yet(
    database: Database, ana: int
) -> None:
    async with database.write() as session:
        await promised(session, ana, grace=3)
        await pay(session, ana, "100", at(24))
        assert await judge_promises(session, at(24)) == 1
        assert await states(session) == ["broken"]


async def test_the_threshold_keeps_it_at_judgment(database: Database, ana: int) -> None:
    async with database.write() as session:
        await promised(session, ana, threshold=90)
        await pay(session, ana, "90", at(15))
        assert await states(session) == ["open"]
        await judge_promises(session, at(21))
        assert await states(session) == ["kept"]


async def test_payments_go_to_the_oldest_promise_first_and_are_counted_once(database: Database, ana: int) -> None:
    async with database.write() as session:
        await promised(session, ana, "30")
        await promised(session, ana, "50")
        await pay(session, ana, "60", at(12))
        assert await states(session) == ["kept", "open"]
        assert list(await session.scalars(select(Appropriation.amount).order_by(Appropriation.id))) == [30_00, 30_00]
        await pay(session, ana, "20", at(13))
        assert await states(session) == ["kept", "kept"]
        assert await session.scalar(select(func.sum(Appropriation.amount))) == 80_00


async def test_somebody_else_may_promise(database: Database, ana: int) -> None:
    async with database.write() as session:
        number = await promised(session, ana, promiser="her brother")
    async with database.read() as session:
        assert (await session.get_one(Promise, number)).promiser == "her brother"
        assert "brother" not in str(await told(session, "promise")), "the history names no third person"


async def test_a_promise_is_called_off_with_a_reason(database: Database, ana: int) -> None:
    async with database.write() as session:
        number = await promised(session, ana)
        await withdraw_promise(session, number, "lost her job", at(12))
        assert await states(session) == ["withdrawn"]
        assert await frozen_until(session) is None
        assert (await told(session, "promise_withdrawn"))[0]["reason"] == "lost her job"
        with pytest.raises(NoSuchPromise):
            await withdraw_promise(session, number, "again", at(12))


async def test_a_reply_brings_the_grace_and_threshold_of_the_plan(database: Database, ana: int) -> None:
    async with database.write() as session:
        await apply(session, [PromiseMade(None, UNTIL)], source(ana), MADE)
        row = (await session.scalars(select(Promise))).one()
        assert (row.amount, row.grace, row.threshold, row.channel) == (200_00, 3, 90, "sms")
        assert await promise_terms(session, ana, "RON", MADE) == PromiseTerms(grace=3, threshold=90)
        assert await promise_terms(session, ana, "EUR", MADE) == PromiseTerms()


async def test_another_day_replaces_a_promise_and_the_chain_is_kept(database: Database, ana: int) -> None:
    async with database.write() as session:
        for day in (UNTIL, UNTIL + timedelta(days=5), UNTIL + timedelta(days=9)):
            await apply(session, [PromiseMade(money("200", "RON"), day)], source(ana), MADE)
        rows = (await session.scalars(select(Promise).order_by(Promise.id))).all()
        assert [row.state for row in rows] == ["replaced", "replaced", "open"]
        assert [row.replaced_by for row in rows] == [rows[1].id, rows[2].id, None]


async def test_a_promise_said_wrongly_gives_way_to_its_correction_though_more_could_be_promised(
    database: Database, ana: int
) -> None:
    async with database.write() as session:
        fifty, other, later = money("50", "RON"), UNTIL + timedelta(days=5), UNTIL + timedelta(days=9)
        for day in (UNTIL, other, other):
            await apply(session, [PromiseMade(fifty, day)], source(ana), MADE)
        await apply(session, [PromiseMade(fifty, later, instead=(fifty, other))], source(ana), MADE)
        rows = (await session.scalars(select(Promise).order_by(Promise.id))).all()
        assert [row.state for row in rows] == ["open", "open", "replaced", "open"]
        assert rows[2].replaced_by == rows[3].id


async def test_a_correction_leaves_other_promises_though_all_of_the_debt_is_promised(
    database: Database, ana: int
) -> None:
    async with database.write() as session:
        small, rest, other = money("50", "RON"), money("150", "RON"), UNTIL + timedelta(days=5)
        await apply(session, [PromiseMade(small, UNTIL), PromiseMade(rest, UNTIL)], source(ana), MADE)
        await apply(session, [PromiseMade(rest, other, instead=(rest, UNTIL))], source(ana), MADE)
        assert await states(session) == ["open", "replaced", "open"]


async def test_a_correction_of_more_than_it_frees_is_another_day_for_all(database: Database, ana: int) -> None:
    async with database.write() as session:
        small, rest, other = money("50", "RON"), money("150", "RON"), UNTIL + timedelta(days=5)
        await apply(session, [PromiseMade(small, UNTIL), PromiseMade(rest, UNTIL)], source(ana), MADE)
        await apply(session, [PromiseMade(money("200", "RON"), other, instead=(rest, UNTIL))], source(ana), MADE)
        assert await states(session) == ["replaced", "replaced", "open"]


async def test_a_correction_of_a_promise_that_is_not_open_is_a_promise_like_any_other(
    database: Database, ana: int
) -> None:
    async with database.write() as session:
        fifty, other = money("50", "RON"), UNTIL + timedelta(days=5)
        await apply(session, [PromiseMade(fifty, UNTIL)], source(ana), MADE)
        await apply(session, [PromiseMade(fifty, other, instead=(fifty, other))], source(ana), MADE)
        assert await states(session) == ["open", "open"]


async def test_what_is_cleared_by_other_means_says_so(database: Database, ana: int) -> None:
    async with database.write() as session:
        number = await promised(session, ana)
        invoice = await session.scalar(text("select id from invoices"))
        await credit_memo(session, int(invoice), 200_00, at(15))
        await judge_promises(session, at(21))
        row = await session.get_one(Promise, number)
        assert (row.state, row.reason) == ("broken", "cleared by other means")


async def test_a_memo_over_a_part_leaves_a_promise_to_be_broken(database: Database, ana: int) -> None:
    async with database.write() as session:
        await promised(session, ana)
        invoice = await session.scalar(text("select id from invoices"))
        await credit_memo(session, int(invoice), 150_00, at(15))
        await judge_promises(session, at(21))
        assert await states(session) == ["broken"]


def source(client: int) -> Source:
    return Source(client, 0, "sms", "RON", "event:1")


async def test_a_day_judges_the_promises_of_everybody(database: Database, ana: int) -> None:
    async with database.write() as session:
        dan = await given_client(session, "dan", sms="+40712345679")
        await given_invoice(session, dan, "I2", "200", date(2026, 2, 1), account="D1")
        for client in (ana, dan):
            await promise(session, client, money("100", "RON"), UNTIL, MADE)
        assert await to_be_judged(session, at(20)) == []
        assert await to_be_judged(session, at(21)) == [ana, dan]
        assert await judge_promises(session, at(21), [dan]) == 1, "a chunk is judged without the others"
    await turn_day(database, at(21), AnyHour())
    async with database.read() as session:
        assert await states(session) == ["broken", "broken"]
