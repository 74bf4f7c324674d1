"""The pay page of a client who owes nothing yet, or has agreed to pay in parts or by a day: a useful sum, paid once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date, datetime, timedelta

import pytest
from given import given_client, given_invoice
from paying import Counter, pay_counter

from engine.agreements.installments import agree_installments
from engine.agreements.promises import promise
from engine.calendar import AnyHour
from engine.day import turn_day
from engine.installment import Part
from engine.ledger import Received, credit_memo, receive
from engine.money import Money, money
from engine.run import decide_clients
from engine.store.session import Database


@pytest.fixture
async def counter(database: Database, now: datetime) -> AsyncIterator[Counter]:
    async with pay_counter(database, now) as open_counter:
        yield open_counter


@pytest.fixture
async def eve(counter: Counter) -> str:
    """The pay page of Eve, who owes nothing today, 11 March: bills come on 14 and 31 March, and on 14 April."""
    async with counter.database.write() as session:
        client = await given_client(session, "eve", language="en")
        await given_invoice(session, client, "E1", "50", date(2026, 3, 14), account="E1000001")
        await given_invoice(session, client, "E2", "70", date(2026, 3, 31), account="E1000002", service="mobile")
        await given_invoice(session, client, "E3", "51", date(2026, 4, 14), account="E1000001")
    return await counter.link(client)


def words(page: str) -> str:
    return " ".join(page.replace("\N{NO-BREAK SPACE}", " ").split())


def lei(text: str) -> Money:
    return money(text, "RON")


async def page_of(counter: Counter, address: str = "", language: str = "en") -> str:
    return words((await counter.read(f"{address or counter.address}?lang={language}")).text)


async def in_three_parts(counter: Counter, first: date = date(2026, 3, 20)) -> None:
    """Ana pays her 300 lei in three parts a month apart, with interest; the first has a fee."""
    async with counter.database.write() as session:
        parts = (
            Part(first, 10000, interest=120, fee=500),
            Part(first + timedelta(days=31), 10000, interest=80),
            Part(first + timedelta(days=61), 10000, interest=40),
        )
        await agree_installments(session, counter.ana, "RON", parts, counter.now)


async def pay(counter: Counter, address: str = "", **form: str) -> Money:
    """Press, pay at the provider, and have it booked. What is still due."""
    pressed = await counter.press(address, **form)
    assert pressed.status_code == 303, words(pressed.text)
    await counter.carrier.pay(pressed.headers["Location"])
    [booked] = await counter.book()
    assert booked is not None
    return booked.left


async def test_a_bill_of_the_next_days_is_offered_and_not_called_due(counter: Counter, eve: str) -> None:
    page = await page_of(counter, eve)
    assert "<h1>Your next bill</h1>" in page
    assert "Nothing is due today. If you like, you can pay Acme &amp; Sons ahead of time:" in page
    assert 'to be paid by <time datetime="2026-03-14">' in page
    assert "Pay 50 RON</button>" in page
    assert "You cannot pay it all today?" not in page
    assert page.count('class="main"') == 1
    assert "<h1>Următoarea dumneavoastră factură</h1>" in await page_of(counter, eve, "ro")


async def test_only_the_next_bill_of_every_account_is_shown(counter: Counter, eve: str) -> None:
    page = await page_of(counter, eve)
    coming = page.partition("Coming next")[2]
    assert "70 RON" in coming
    assert "account ending in 0002" in coming
    assert "51 RON" not in page
    assert (await counter.press(eve, amount="120.01")).status_code == 422
    assert (await counter.press(eve, amount="120")).status_code == 303


async def test_a_bill_far_away_is_nothing_to_pay(counter: Counter) -> None:
    async with counter.database.write() as session:
        client = await given_client(session, "far")
        await given_invoice(session, client, "F1", "50", date(2026, 5, 13), account="F1000001")
    assert "There is nothing to pay" in await page_of(counter, await counter.link(client))


async def test_paid_ahead_of_time_a_bill_is_settled_on_its_day_and_asked_for_once(counter: Counter, eve: str) -> None:
    pressed = await counter.press(eve)
    ended = await counter.carrier.pay(pressed.headers["Location"])
    assert [booked.left for booked in await counter.book() if booked] == [lei("0")]
    receipt = words((await counter.read(ended)).text)
    assert 'Kept for your next bills</dt><dd class="money">50 RON' in receipt
    page = await page_of(counter, eve)
    assert "Pay 70 RON</button>" in page
    assert "50 RON" not in page
    counter.now += timedelta(days=3)
    assert "Pay 70 RON</button>" in await page_of(counter, eve), "on the day itself, before the engine has looked"
    await turn_day(counter.database, counter.now, AnyHour())
    assert await counter.asks("select ref, balance from invoices where ref like 'E%' order by ref") == [
        ("E1", 0), ("E2", 7000), ("E3", 5100),
    ]  # fmt: skip
    assert "Pay 70 RON</button>" in await page_of(counter, eve)


async def test_part_of_a_bill_can_be_paid_ahead(counter: Counter, eve: str) -> None:
    await pay(counter, eve, amount="20")
    assert "Pay 30 RON</button>" in await page_of(counter, eve)


async def test_what_is_due_comes_first_and_what_is_next_is_named(counter: Counter) -> None:
    async with counter.database.write() as session:
        await given_invoice(session, counter.ana, "I3", "50", date(2026, 3, 14), account="00124711")
    page = await page_of(counter)
    assert "Pay 300 RON</button>" in page
    assert "50 RON" in page.partition("Coming next")[2]
    assert await pay(counter, amount="350") == lei("0")
    page = await page_of(counter)
    assert "There is nothing to pay" in page
    assert 'Kept for your next bills</dt><dd class="money">50 RON' in page


async def test_a_payment_of_the_bank_for_the_account_leaves_nothing_to_pay_ahead(counter: Counter, eve: str) -> None:
    async with counter.database.write() as session:
        [(client, account)] = await counter.asks("select client_id, account_id from invoices where ref = 'E1'")
        bank = Received("bank", int(str(client)), lei("50"), counter.now, "bank", account=int(str(account)))
        await receive(session, bank, counter.now)
    assert "Pay 70 RON</button>" in await page_of(counter, eve)


async def test_the_next_installment_is_offered_with_its_interest_and_fee(counter: Counter) -> None:
    await in_three_parts(counter)
    page = await page_of(counter)
    assert "<h1>Your installment</h1>" in page
    assert "Pay 106.20 RON</button>" in page
    assert 'to be paid by <time datetime="2026-03-20">' in page
    assert 'Agreed interest</span> <span class="money">1.20 RON' in page
    assert 'Agreed fee</span> <span class="money">5 RON' in page
    assert "Acme &amp; Sons invoices interest and fees separately." in page
    assert "Your unpaid balance is 300 RON in all:" in page
    assert "Pay the whole balance, 300 RON</button>" in page
    romanian = await page_of(counter, language="ro")
    assert "Achitați 106,20 lei</button>" in romanian
    assert "Dobânda convenită" in romanian


async def test_part_after_part_is_paid_and_the_case_closes_when_the_debt_is_gone(counter: Counter) -> None:
    async with counter.database.write() as session:
        await decide_clients(session, [counter.ana], counter.now, AnyHour())
    await in_three_parts(counter)
    assert await pay(counter) == lei("193.80")
    page = await page_of(counter)
    assert 'to be paid by <time datetime="2026-04-20">' in page
    assert "Pay 94.60 RON</button>" in page, "what was paid beyond the first part has gone to the second"
    assert "Agreed fee" not in page
    assert await pay(counter) == lei("99.20")
    assert await counter.asks("select closed_at from cases") == [(None,)]
    assert "Pay 99.60 RON</button>" in await page_of(counter)
    assert await pay(counter) == lei("0")
    assert await counter.asks("select closed_at from cases") == [(counter.now,)]
    assert await counter.asks("select outcome from installment_plans") == [("paid",)]
    page = await page_of(counter)
    assert "There is nothing to pay" in page
    assert 'Kept for your next bills</dt><dd class="money">0.40 RON' in page


async def test_late_installments_are_asked_for_together(counter: Counter) -> None:
    await in_three_parts(counter)
    counter.now += timedelta(days=45)
    page = await page_of(counter)
    assert "<h1>Your installments</h1>" in page
    assert 'due since <time datetime="2026-03-20">' in page
    assert "Pay 207 RON</button>" in page
    assert "2026-05-20" not in page.partition('class="held"')[0]


async def test_more_than_the_debt_is_never_asked_of_a_plan(counter: Counter) -> None:
    await in_three_parts(counter)
    invoices = await counter.asks("select id from invoices order by due")
    async with counter.database.write() as session:
        for (invoice,), amount in zip(invoices, (20000, 5000), strict=True):
            await credit_memo(session, int(str(invoice)), amount, counter.now)
    page = await page_of(counter)
    assert "Pay 56.20 RON</button>" in page
    assert "Your unpaid balance is 50 RON in all:" in page
    assert await pay(counter) == lei("0")


async def test_a_promised_sum_is_offered_and_the_rest_can_be_paid_too(counter: Counter) -> None:
    async with counter.database.write() as session:
        await promise(session, counter.ana, lei("80"), date(2026, 3, 20), counter.now)
    page = await page_of(counter)
    assert "<h1>The amount you plan to pay</h1>" in page
    assert "Pay 80 RON</button>" in page
    assert "Pay the whole balance, 300 RON</button>" in page
    assert page.count("You plan to pay") == 1
    await pay(counter, amount="30")
    assert "Pay 50 RON</button>" in await page_of(counter)
    assert await pay(counter) == lei("220")
    assert await counter.asks("select state from promises") == [("kept",)]
    assert "<h1>Amount due</h1>" in await page_of(counter)


async def test_the_whole_balance_is_one_press_away(counter: Counter) -> None:
    async with counter.database.write() as session:
        await promise(session, counter.ana, lei("80"), date(2026, 3, 20), counter.now)
    page = await page_of(counter)
    hidden = page.partition('name="amount" value="')[2].partition('"')[0]
    assert await pay(counter, amount=hidden, shown="8000-30000") == lei("0")
    assert "There is nothing to pay" in await page_of(counter)


async def test_of_a_promise_and_an_installment_the_nearer_is_offered(counter: Counter) -> None:
    await in_three_parts(counter)
    async with counter.database.write() as session:
        await promise(session, counter.ana, lei("80"), date(2026, 3, 19), counter.now)
    assert "Pay 80 RON</button>" in await page_of(counter)
    counter.now += timedelta(days=10)
    assert "Pay 106.20 RON</button>" in await page_of(counter), "a promise whose day is over is asked for no longer"


async def test_an_old_page_does_not_pay_another_sum(counter: Counter) -> None:
    async with counter.database.write() as session:
        await promise(session, counter.ana, lei("80"), date(2026, 3, 20), counter.now)
    assert (await counter.press(shown="30000-30000")).status_code == 409
    assert counter.carrier.checkouts == ()


async def test_an_installment_on_its_way_is_not_paid_twice(counter: Counter) -> None:
    counter.carrier.public_url = "http://127.0.0.1:9"
    await in_three_parts(counter)
    await counter.pays()
    other = await counter.link(counter.ana)
    answer = await counter.press(other)
    assert answer.status_code == 409
    assert "106,20 lei" in words(answer.text)
    assert (await counter.press(other, amount="100")).status_code == 303
