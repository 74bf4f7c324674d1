"""Deciding only for who has changed comes to the same as deciding for everybody, whatever happens to whom."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from random import Random

import pytest
from given import given_client, given_invoice, given_plans
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from reached import given_opened
from sqlalchemy import select, text
from twins import copied, work_in

from engine.agreements.disputes import GrantTooLarge, NoSuchDispute, dispute
from engine.agreements.exemptions import NoSuchExemption, end_exemption, exempt
from engine.agreements.installments import NoSuchPlan, agree_installments, cancel_installments
from engine.agreements.pauses import NoSuchPause, end_pause, pause
from engine.agreements.promises import NoSuchPromise, judge_promises, promise, withdraw_promise
from engine.calendar import AnyHour
from engine.contact import ChannelKind, Delivery
from engine.courtesies import plan_courtesies
from engine.full_run import decide_all
from engine.installment import Part
from engine.ledger import MemoTooLarge, NothingToSettle, Received, confirm, receive, reject, resolve, settle_credit
from engine.money import Money
from engine.refunds import NoSuchPayment, refund_invoice, reverse
from engine.run import decide_changed
from engine.store.session import Database, WriteSession
from engine.store.tables.casework import Contact, ContactState
from engine.store.tables.portfolio import Client, Invoice
from engine.store.tables.talk import Outbound

HOURS = AnyHour()
STEPS = int(os.environ.get("PROPERTY_STEPS", "2000")) // 8
LENGTH, DAY = 50, 10
"""Happenings of a story, and of a day: some at a time, each time followed by deciding."""
START = datetime(2026, 3, 11, 6, tzinfo=UTC)
PLANS = """
groups: [individuals]
plans:
  - plan: steps
    group: individuals
    standard: true
    start: {after_days: 2, min_debt: 50}
    exit_debt: 5
    courtesy: [{before_due: 2, send: courtesy_reminder, by: [sms]}]
    follow_up: {promise_before: 1, promise_broken: true, installment_before: 1, installment_missed: true}
    stages: &stages
      - {stage: one, actions: [{send: reminder, by: [sms]}]}
      - stage: two
        after_days: 1
        min_debt: 60
        needs_delivered: one
        actions: [{send: warning, by: [sms]}, {do: credit_hold}]
      - stage: three
        after_days: 1
        min_debt: 90
        needs_delivered: two
        actions: [{do: suspend_service, min_account_debt: 40}, {task: call}]
  - plan: blinks
    group: individuals
    blinking: true
    start: {after_days: 0, min_debt: 10}
    stages: *stages
  - plan: strict
    group: individuals
    advance: strictest
    include: {services: [tv]}
    min_days_between_contacts: 2
    start: {after_days: 0, min_debt: 10}
    stages:
      - {stage: mild, min_debt: 20, actions: [{send: reminder, by: [sms]}]}
      - {stage: firm, min_debt: 80, days_past_due: 3, actions: [{do: suspend_service}]}
      - {stage: hard, min_debt: 150, min_unpaid_invoices: 2, actions: [{send: final_notice, by: [sms]}]}
"""
TOWN: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Europe/Bucharest", ()),
    ("Europe/London", ("blinks", "strict")),
    ("Europe/Kyiv", ("steps", "strict")),
    ("Etc/UTC", ("blinks",)),
)
PLAYED = settings(
    max_examples=max(STEPS // LENGTH, 1),
    phases=(Phase.generate,),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
GONE = (
    *(NoSuchDispute, NoSuchExemption, NoSuchPlan, NoSuchPause, NoSuchPromise, NoSuchPayment),
    *(GrantTooLarge, MemoTooLarge, NothingToSettle),
)
"""What is said to a happening that comes too late, or to nothing at all; then nothing has happened."""


@dataclass(frozen=True)
class Happening:
    """Something that happens to a client, with numbers drawn for it; `which` is any of what came before."""

    what: str
    client: int
    amount: int
    days: int
    which: int
    now: datetime

    @property
    def sum(self) -> Money:
        return Money(self.amount, "RON")

    @property
    def day(self) -> date:
        return self.now.date() + timedelta(days=self.days)


async def bill(session: WriteSession, it: Happening) -> None:
    service = "tv" if it.which % 2 else "internet"
    ref, sum_ = f"I{it.client}-{it.now:%d%H}-{it.which}", str(it.sum.major)
    if await session.scalar(select(Invoice.id).where(Invoice.ref == ref)) is None:
        due, account = it.now.date() + timedelta(days=it.which % 24 - 4), f"A{it.client}{service}"
        await given_invoice(session, it.client, ref, sum_, due, account=account, service=service)
        await settle_credit(session, it.client, it.now)


async def _pay(session: WriteSession, it: Happening, *, confirmed: bool) -> None:
    ref = f"P{it.client}-{it.which % 8}"
    await receive(session, Received(ref, it.client, it.sum, it.now, "test", confirmed=confirmed), it.now)


async def pay(session: WriteSession, it: Happening) -> None:
    await _pay(session, it, confirmed=True)


async def announce(session: WriteSession, it: Happening) -> None:
    await _pay(session, it, confirmed=False)


async def settle(session: WriteSession, it: Happening) -> None:
    ref = f"P{it.client}-{it.which % 8}"
    await (confirm(session, ref, it.now) if it.days % 2 else reject(session, ref, it.now))


async def take_back(session: WriteSession, it: Happening) -> None:
    await reverse(session, f"P{it.client}-{it.which % 8}", it.now)


async def vow(session: WriteSession, it: Happening) -> None:
    await promise(session, it.client, it.sum, it.day, it.now)


async def withdraw(session: WriteSession, it: Happening) -> None:
    await withdraw_promise(session, it.which % 20, "why", it.now)


async def contest(session: WriteSession, it: Happening) -> None:
    await dispute(session, it.client, it.sum, "why", it.now, await _invoice(session, it) if it.days % 2 else None)


async def answer(session: WriteSession, it: Happening) -> None:
    await resolve(session, it.which % 20, it.amount if it.days % 2 else 0, it.now)


async def refund(session: WriteSession, it: Happening) -> None:
    if (invoice := await _invoice(session, it)) is not None:
        await refund_invoice(session, invoice, it.now)


async def spare(session: WriteSession, it: Happening) -> None:
    await exempt(session, it.client, "why", "olga", it.now, invoice=await _invoice(session, it), until=it.day)


async def spare_no_more(session: WriteSession, it: Happening) -> None:
    await end_exemption(session, it.which % 12, "olga", it.now)


async def rest(session: WriteSession, it: Happening) -> None:
    await pause(session, it.client, it.days, "why", "olga", it.now)


async def rest_no_more(session: WriteSession, it: Happening) -> None:
    await end_pause(session, it.which % 12, "olga", it.now)


async def agree(session: WriteSession, it: Happening) -> None:
    parts = [Part(it.day, it.amount), Part(it.day + timedelta(days=1), it.amount)]
    await agree_installments(session, it.client, "RON", parts, it.now)


async def cancel(session: WriteSession, it: Happening) -> None:
    await cancel_installments(session, it.which % 8, "why", it.now)


async def hold_back(session: WriteSession, it: Happening) -> None:
    await session.execute(HOLD_BACK, {"client": it.client, "stage": it.which % 3, "until": it.day, "now": it.now})


async def go_on(session: WriteSession, it: Happening) -> None:
    await session.execute(GO_ON, {"client": it.client, "now": it.now})


async def reach(session: WriteSession, it: Happening) -> None:
    planned = (Contact.client_id == it.client, Contact.state == ContactState.PLANNED)
    contact = await session.scalar(select(Contact).where(*planned).order_by(Contact.send_from, *NATURAL).limit(1))
    if contact is not None:
        # Mail went out in the morning: it comes to count when a day's run looks at it, not in between.
        morning = datetime.combine(it.now.date(), START.timetz())
        by, at = (ChannelKind.EMAIL, morning) if it.which % 2 else (ChannelKind.SMS, it.now)
        await given_opened(session, contact, Delivery.SENT, at, by)


async def report(session: WriteSession, it: Happening) -> None:
    sent = select(Outbound).join(Contact).where(Contact.client_id == it.client, Outbound.state == Delivery.SENT)
    message = await session.scalar(sent.order_by(Contact.send_from, *NATURAL).limit(1))
    if message is not None:
        message.state = Delivery.DELIVERED if it.days % 3 else Delivery.FAILED


async def move(session: WriteSession, it: Happening) -> None:
    client = await session.get_one(Client, it.client)
    client.timezone, client.plans = TOWN[it.which % 4][0], list(TOWN[it.days % 4][1])


NATURAL = (Contact.plan_id, Contact.stage, Contact.action, Contact.source)
HOLD_BACK = text("""
insert into deferrals (case_id, stage, until, reason, made_by, made_at)
select id, :stage, :until, 'why', 'olga', :now from cases where client_id = :client and closed_at is null
""")
GO_ON = text("""
update deferrals set ended_at = :now
where ended_at is null and case_id in (select id from cases where client_id = :client)
""")
HAPPENINGS: dict[str, Callable[[WriteSession, Happening], Awaitable[None]]] = {
    one.__name__: one
    for one in (
        *(bill, pay, announce, settle, take_back, vow, withdraw, contest, answer, refund, spare, spare_no_more, rest),
        *(rest_no_more, agree, cancel, hold_back, go_on, reach, report, move),
    )
}


async def _invoice(session: WriteSession, it: Happening) -> int | None:
    invoices = list(
        await session.scalars(select(Invoice.id).where(Invoice.client_id == it.client).order_by(Invoice.id))
    )
    return invoices[it.which % len(invoices)] if invoices else None


def story(luck: Random) -> Iterator[list[Happening]]:
    """What happens between one deciding and the next, an hour each; a new day after enough of them."""
    now, told = START, 0
    while told < LENGTH:
        some = [_draw(luck, now) for _ in range(luck.randrange(1, 5))]
        yield some
        before, told = told, told + len(some)
        now += timedelta(hours=1)
        if told // DAY > before // DAY:
            now = now.replace(hour=START.hour) + timedelta(days=1)


def quiet_story(luck: Random) -> Iterator[list[Happening]]:
    """Now and then something happens, and for days nothing does."""
    now = START
    for _ in range(LENGTH // 3):
        yield [_draw(luck, now) for _ in range(luck.randrange(1, 4))]
        now += timedelta(days=luck.choice((1, 2, 3, 5, 8)))


def _draw(luck: Random, now: datetime) -> Happening:
    what = luck.choice(("bill", "bill", "bill", "pay", "vow", "reach", "reach", "report", *HAPPENINGS))
    return Happening(
        what, luck.randrange(1, 5), luck.randrange(1, 200_00), luck.randrange(1, 5), luck.randrange(60), now
    )


@dataclass(frozen=True)
class Twins:
    """The same town twice: whenever something happened one decides for everybody, the other for who has changed."""

    runner: asyncio.Runner
    whole: Database
    parts: Database

    def play(self, told: Iterator[list[Happening]]) -> None:
        self.runner.run(self._play(told))

    async def _play(self, told: Iterator[list[Happening]]) -> None:
        for one in (self.whole, self.parts):
            await _settle_in(one)
        today = START.date()
        for some in told:
            now = some[0].now
            while today < now.date():
                today += timedelta(days=1)
                morning = datetime.combine(today, START.timetz())
                await _begin_day(self.whole, morning, everybody=True)
                await _begin_day(self.parts, morning, everybody=False)
                assert await work_in(self.whole) == await work_in(self.parts), f"on {today}"
            for one in (self.whole, self.parts):
                await _tell(one, some)
            await decide_all(self.whole, now, HOURS, everybody=True)
            await decide_changed(self.parts, now, HOURS)
            assert await work_in(self.whole) == await work_in(self.parts), [it.what for it in some]


async def _settle_in(database: Database) -> None:
    async with database.write() as session:
        await session.execute(text("truncate clients, changed_clients, settled_marks, rests restart identity cascade"))
        for number, (where, plans) in enumerate(TOWN):
            await given_client(session, f"c{number}", zone=where, plans=plans, sms=f"+4071234567{number}")


async def _begin_day(database: Database, now: datetime, *, everybody: bool) -> None:
    async with database.write() as session:
        await judge_promises(session, now)
        for client in range(1, len(TOWN) + 1):
            await settle_credit(session, client, now)
    await decide_all(database, now, HOURS, everybody=everybody)
    await plan_courtesies(database, now, HOURS)


async def _tell(database: Database, some: list[Happening]) -> None:
    async with database.write() as session:
        for it in some:
            with suppress(*GONE):
                async with session.begin_nested():
                    await HAPPENINGS[it.what](session, it)


@pytest.fixture
def twins(database_url: str) -> Iterator[Twins]:
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        runner.run(_publish(database_url))
        with copied(database_url, "twin") as other:
            both = Twins(runner, Database(database_url), Database(other))
            yield both
            for one in (both.whole, both.parts):
                runner.run(one.close())


async def _publish(url: str) -> None:
    database = Database(url)
    async with database.write() as session:
        await given_plans(session, PLANS)
    await database.close()


@PLAYED
@given(seed=st.integers(0, 2**32))
def test_the_changed_decided_for_is_everybody_decided_for(twins: Twins, seed: int) -> None:
    twins.play(story(Random(seed)))  # noqa: S311 - no secret


@PLAYED
@given(seed=st.integers(0, 2**32))
def test_who_rests_misses_nothing(twins: Twins, seed: int) -> None:
    twins.play(quiet_story(Random(seed)))  # noqa: S311 - no secret


@pytest.mark.parametrize("trigger", ["update on clients", "update on outbound"])
def test_a_kind_of_change_that_marks_nobody_is_found(twins: Twins, trigger: str) -> None:
    """The property would tell: with one trigger gone the twins soon differ."""
    twins.runner.run(_drop(twins.parts, trigger))
    with pytest.raises(AssertionError):
        _play_some(twins)


def _play_some(twins: Twins) -> None:
    for seed in range(10):
        twins.play(story(Random(seed)))  # noqa: S311 - no secret


async def _drop(database: Database, trigger: str) -> None:
    async with database.write() as session:
        await session.execute(text(f"drop trigger mark_{trigger}"))
