"""Whatever happens to a client's money, in whatever order: sums agree, nothing vanishes, nothing counts twice."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

import pytest
from given import given_client, given_invoice
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text
from stories import Stage, breaches, set_stage

from engine.agreements.installments import agree_installments, cancel_installments, running_plan
from engine.agreements.promises import NoSuchPromise, judge_promises, promise, withdraw_promise
from engine.installment import InstallmentPolicy, granted, schedule
from engine.ledger import MemoTooLarge, NothingToSettle, Received, confirm, credit_memo, receive, reject, settle_credit
from engine.money import Money
from engine.promise import PromiseTerms
from engine.refunds import refund_invoice, reverse
from engine.store.session import WriteSession
from engine.store.tables.ledger import Payment

LENGTH = 40
STEPS = int(os.environ.get("PROPERTY_STEPS", "2000"))
START = datetime(2026, 3, 11, 8, tzinfo=UTC)

which = st.integers(0, 30)
sums = st.integers(1, 300_00)


@dataclass(frozen=True)
class Days:
    count: int


@dataclass(frozen=True)
class Bill:
    amount: int
    due_in: int


@dataclass(frozen=True)
class Pay:
    amount: int
    invoice: int | None
    account: bool
    confirmed: bool


@dataclass(frozen=True)
class Settle:
    payment: int
    verb: str


@dataclass(frozen=True)
class Refund:
    invoice: int


@dataclass(frozen=True)
class Memo:
    invoice: int
    amount: int


@dataclass(frozen=True)
class Vow:
    amount: int
    days: int
    grace: int
    threshold: int


@dataclass(frozen=True)
class Withdraw:
    promise: int


@dataclass(frozen=True)
class Agree:
    amount: int
    parts: int


@dataclass(frozen=True)
class Cancel:
    pass


Step = Days | Bill | Pay | Settle | Refund | Memo | Vow | Withdraw | Agree | Cancel
steps = st.one_of(
    st.builds(Days, st.integers(0, 9)),
    st.builds(Bill, sums, st.integers(-5, 9)),
    st.builds(Pay, st.integers(1, 600_00), st.none() | which, st.booleans(), st.sampled_from([True, True, False])),
    st.builds(Settle, which, st.sampled_from(["confirm", "reject", "reverse", "reverse"])),
    st.builds(Refund, which),
    st.builds(Memo, which, sums),
    st.builds(Vow, sums, st.integers(0, 9), st.integers(0, 3), st.integers(1, 100)),
    st.builds(Withdraw, which),
    st.builds(Agree, sums, st.integers(2, 4)),
    st.just(Cancel()),
)


@dataclass
class Purse:
    """One client's money, and beside it the sums that must come out: `owed` is bills less all that was given."""

    session: WriteSession
    client: int
    now: datetime = START
    owed: int = 0
    invoices: list[int] = field(default_factory=list)
    payments: list[str] = field(default_factory=list)
    promises: list[int] = field(default_factory=list)
    ended: dict[int, str] = field(default_factory=dict)

    @property
    def today(self) -> date:
        return self.now.date()

    async def do(self, step: Step) -> None:
        match step:
            case Days(count):
                self.now += timedelta(days=count)
                await judge_promises(self.session, self.now)
                await settle_credit(self.session, self.client, self.now)
            case Bill():
                await self._bill(step)
            case Pay():
                await self._pay(step)
            case Settle(number, verb) if self.payments:
                await self._settle(self.payments[number % len(self.payments)], verb)
            case Refund(number) if self.invoices:
                self.owed += await refund_invoice(self.session, self._invoice(number), self.now)
            case Memo(number, amount) if self.invoices:
                await self._credit(self._invoice(number), amount)
            case Withdraw(number) if self.promises:
                try:
                    await withdraw_promise(self.session, self.promises[number % len(self.promises)], "why", self.now)
                except NoSuchPromise:
                    assert self.promises[number % len(self.promises)] in self.ended
            case _:
                await self._agree(step)

    async def _agree(self, step: Step) -> None:
        match step:
            case Vow(amount, days, grace, threshold):
                terms = PromiseTerms(grace=grace, threshold=threshold)
                until = self.today + timedelta(days=days)
                sum_ = Money(amount, "RON")
                self.promises.append(await promise(self.session, self.client, sum_, until, self.now, terms))
            case Agree(amount, parts) if granted(amount, parts, InstallmentPolicy(4)).reason is None:
                agreed = schedule(amount, parts, InstallmentPolicy(4), self.today, lambda _: True)
                await agree_installments(self.session, self.client, "RON", agreed, self.now)
            case Cancel():
                running = await running_plan(self.session, self.client, "RON")
                if running is not None:
                    await cancel_installments(self.session, running.id, "why", self.now)

    def _invoice(self, number: int) -> int:
        return self.invoices[number % len(self.invoices)]

    async def _bill(self, bill: Bill) -> None:
        ref, due = f"I{len(self.invoices)}", self.today + timedelta(days=bill.due_in)
        amount = str(Money(bill.amount, "RON").major)
        account = f"A{len(self.invoices) % 2}"
        self.invoices.append(await given_invoice(self.session, self.client, ref, amount, due, account=account))
        self.owed += bill.amount
        await settle_credit(self.session, self.client, self.now)

    async def _pay(self, pay: Pay) -> None:
        ref = f"p{len(self.payments)}"
        invoice = self._invoice(pay.invoice) if pay.invoice is not None and self.invoices else None
        account = await self._account() if invoice is None and pay.account else None
        amount = Money(pay.amount, "RON")
        received = Received(ref, self.client, amount, self.now, "test", account, invoice, confirmed=pay.confirmed)
        assert await receive(self.session, received, self.now)
        assert not await receive(self.session, received, self.now)
        self.payments.append(ref)
        self.owed -= pay.amount if pay.confirmed else 0

    async def _credit(self, invoice: int, amount: int) -> None:
        most = await self.session.scalar(CREDITABLE, {"invoice": invoice})
        try:
            await credit_memo(self.session, invoice, amount, self.now)
            assert amount <= most, "no credit comes from nothing"
            self.owed -= amount
        except MemoTooLarge:
            assert amount > most

    async def _account(self) -> int | None:
        return await self.session.scalar(text("select min(id) from accounts"))

    async def _settle(self, ref: str, verb: str) -> None:
        payment = (await self.session.scalars(select(Payment).where(Payment.ref == ref))).one()
        before, left = payment.status, await self.session.scalar(LEFT, {"payment": payment.id})
        if verb == "reverse":
            assert await reverse(self.session, ref, self.now) is (before in ("confirmed", "unconfirmed"))
            self.owed += int(left) if before == "confirmed" else 0
            return
        try:
            await (confirm(self.session, ref, self.now) if verb == "confirm" else reject(self.session, ref, self.now))
            assert before == "unconfirmed"
            self.owed -= payment.amount if verb == "confirm" else 0
        except NothingToSettle:
            assert before != "unconfirmed"

    async def check(self) -> None:
        total = await self.session.scalar(text("select coalesce(sum(amount), 0) from ledger_entries"))
        assert total == self.owed, "what is owed less what is in credit: bills less payments and memos, plus refunds"
        assert list(await self.session.scalars(BROKEN, {"today": self.today})) == []
        for number, state in (await self.session.execute(text("select id, state from promises"))).all():
            assert self.ended.setdefault(number, state) == state, "a promise that has ended stays as it ended"
            if state == "open":
                del self.ended[number]


LEFT = text("""
select p.amount - coalesce((select sum(amount) from ledger_entries where payment_id = p.id and kind = 'refund'), 0)
from payments p where p.id = :payment
""")

CREDITABLE = text("""
select coalesce(sum(amount) filter (where kind in ('charge', 'credit_memo')), 0)::bigint
from ledger_entries where invoice_id = :invoice
""")
"""All that a bill still asks for, paid or not: none of these was settled before we knew it."""

NEVER = {
    "a balance is the sum of its entries, never below zero nor above what was billed": """
        select i.ref from invoices i where i.balance not between 0 and i.amount
           or i.balance <> (select sum(amount) from ledger_entries e where e.invoice_id = i.id)""",
    "nobody is in credit while something of theirs is due": """
        select from invoices i where i.balance > 0 and i.due <= :today
          and (select sum(amount) from ledger_entries where client_id = i.client_id and invoice_id is null) < 0""",
    "credit is never below nothing, nor is what any payment has left of it": """
        select payment_id from ledger_entries where invoice_id is null group by payment_id having sum(amount) > 0""",
    "all of a payment is on invoices, in credit or taken back, and nothing of it before it is confirmed": """
        select p.ref from payments p left join ledger_entries e on e.payment_id = p.id
        group by p.id having coalesce(sum(e.amount) filter (where e.kind <> 'refund'), 0)
          <> case when p.status = 'confirmed' or count(e.id) > 0 then -p.amount else 0 end""",
    "of a reversed payment nothing is left": """
        select p.ref from payments p join ledger_entries e on e.payment_id = p.id
        where p.status = 'reversed' group by p.id, e.invoice_id having sum(e.amount) <> 0""",
    "no payment is taken back beyond its sum": """
        select p.ref from payments p join ledger_entries e on e.payment_id = p.id and e.kind = 'refund'
        group by p.id having sum(e.amount) > p.amount""",
    "no payment fulfils more than its sum, nor less than nothing": """
        select payment_id from appropriations a join payments p on p.id = a.payment_id
        group by payment_id, p.amount having sum(a.amount) > p.amount
        union all
        select payment_id from appropriations group by payment_id, promise_id, installment_id having sum(amount) < 0""",
    "what is open is fulfilled only by money that is still there": """
        select a.payment_id from appropriations a join payments p on p.id = a.payment_id
        left join promises v on v.id = a.promise_id
        left join installments i on i.id = a.installment_id left join installment_plans ip on ip.id = i.plan_id
        where coalesce(v.state = 'open', ip.ended_at is null)
        group by a.payment_id, p.amount
        having sum(a.amount) > p.amount - coalesce(
          (select sum(amount) from ledger_entries e where e.payment_id = a.payment_id and e.kind = 'refund'), 0)""",
    "no promise or installment is fulfilled beyond its sum, and an open one not to its sum": """
        select v.id from promises v join appropriations a on a.promise_id = v.id
        group by v.id having sum(a.amount) > v.amount or v.state = 'open' and sum(a.amount) = v.amount
        union all
        select i.id from installments i join appropriations a on a.installment_id = i.id
        group by i.id having sum(a.amount) > i.amount""",
    "nothing is credited on an invoice beyond what it was billed": """
        select invoice_id from ledger_entries where kind in ('charge', 'credit_memo')
        group by invoice_id having sum(amount) < 0 or invoice_id is null""",
    "a hold never freezes less than nothing": "select kind from conditional_payments where amount < 0",
    "a plan that is all paid has ended": """
        select ip.id from installment_plans ip join installments i on i.plan_id = ip.id where ip.ended_at is null
        group by ip.id having sum(i.amount) = (
          select coalesce(sum(a.amount), 0) from appropriations a join installments j on j.id = a.installment_id
          where j.plan_id = ip.id)""",
}

BROKEN = breaches(NEVER)


async def _play(session: WriteSession, story: list[Step]) -> None:
    purse = Purse(session, await given_client(session))
    for step in story:
        await purse.do(step)
        await purse.check()


@pytest.fixture
def stage(database_url: str) -> Iterator[Stage]:
    with set_stage(database_url) as stage:
        yield stage


@settings(
    max_examples=STEPS // LENGTH,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.large_base_example],
)
@given(story=st.lists(steps, min_size=LENGTH, max_size=LENGTH))
def test_sums_agree_and_nothing_vanishes(stage: Stage, story: list[Step]) -> None:
    stage.play(lambda session: _play(session, story))
