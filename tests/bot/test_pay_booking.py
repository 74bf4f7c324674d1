"""Events of the payment provider: signed or refused, kept once, booked once, and never by guess."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from uuid import uuid4

import httpx
import pytest
from paying import SECRET, Counter, pay_counter

from bot.pay.booking import OtherAmount, UnknownCheckout, book_payment
from bot.pay.provider import stored_event
from channels.port import Unreadable
from channels.signatures import sign_event
from engine.calendar import AnyHour
from engine.money import money
from engine.run import decide_clients
from engine.store.session import Database

Content = dict[str, object]


@pytest.fixture
async def counter(database: Database, now: datetime) -> AsyncIterator[Counter]:
    async with pay_counter(database, now) as open_counter:
        yield open_counter


async def told(counter: Counter, content: bytes | Content, secret: str = SECRET, late: int = 0) -> httpx.Response:
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    signature = sign_event(secret, raw, counter.now - timedelta(seconds=late))
    return await counter.web.post("/webhooks/payments", content=raw, headers={"Payment-Signature": signature})


async def asked(counter: Counter) -> Content:
    """The event that would tell of Ana's checkout, opened and not paid."""
    await counter.press()
    [checkout] = counter.carrier.checkouts
    return {
        "id": "evt_1",
        "type": "checkout.paid",
        "checkout": checkout.id,
        "reference": checkout.reference,
        "amount": checkout.amount,
        "currency": checkout.currency,
    }


async def test_paying_at_the_provider_closes_the_case(counter: Counter) -> None:
    async with counter.database.write() as session:
        await decide_clients(session, [counter.ana], counter.now, AnyHour())
    assert await counter.asks("select told, closed_at from cases") == [("open", None)]
    await counter.pays()
    [booked] = await counter.book()
    assert booked is not None
    assert (booked.client, booked.amount, booked.left) == (counter.ana, money(300, "RON"), money(0, "RON"))
    assert await counter.asks("select told, closed_at from cases") == [("closed", counter.now)]
    [(reference, source)] = await counter.asks("select ref, source from payments")
    assert (reference, source) == (f"payments:{counter.carrier.checkouts[0].id}", "pay_link")
    assert await counter.asks("select paid_at from checkouts") == [(counter.now,)]


@pytest.mark.parametrize("case", ["no signature", "another secret", "too old", "from the future", "altered"])
async def test_a_forged_event_is_refused_and_leaves_no_row(counter: Counter, case: str) -> None:
    event = await asked(counter)
    if case == "no signature":
        answer = await counter.web.post("/webhooks/payments", json=event)
    elif case == "altered":
        raw = json.dumps(event).encode()
        signature = {"Payment-Signature": sign_event(SECRET, raw, counter.now)}
        answer = await counter.web.post("/webhooks/payments", content=raw + b" ", headers=signature)
    else:
        secret, late = {"another secret": ("x", 0), "too old": (SECRET, 301), "from the future": (SECRET, -301)}[case]
        answer = await told(counter, event, secret, late)
    assert answer.status_code == 403
    assert await counter.asks("select * from inbox") == []


async def test_an_event_replayed_has_one_effect(counter: Counter) -> None:
    event = await asked(counter)
    answers = await asyncio.gather(*(told(counter, event) for _ in range(5)))
    assert {answer.status_code for answer in answers} == {200}
    assert len(await counter.asks("select * from inbox")) == 1
    assert len(await counter.book()) == 1
    await told(counter, event)
    await told(counter, {**event, "id": "evt_2"})
    assert await counter.book() == [None]
    assert await counter.asks("select amount from payments") == [(30000,)]
    assert await counter.asks("select sum(balance)::int from invoices") == [(0,)]


async def test_two_workers_book_a_payment_once(counter: Counter) -> None:
    event = stored_event(json.dumps(await asked(counter)).encode())

    async def work() -> bool:
        async with counter.database.write() as session:
            return await book_payment(session, event, counter.now, AnyHour()) is not None

    assert sorted(await asyncio.gather(work(), work(), work())) == [False, False, True]
    assert await counter.asks("select sum(amount)::int from ledger_entries where kind = 'payment'") == [(-30000,)]


async def test_paying_two_open_pages_leaves_a_credit(counter: Counter) -> None:
    pages = [(await counter.press(amount=amount)).headers["Location"] for amount in ("300", "100")]
    for page in pages:
        await counter.carrier.pay(page)
    assert len([one for one in await counter.book() if one]) == 2
    assert await counter.asks("select sum(amount)::int from ledger_entries where invoice_id is null") == [(-10000,)]


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"reference": str(uuid4())}, UnknownCheckout),
        ({"reference": "no number"}, UnknownCheckout),
        ({"checkout": "co_other"}, UnknownCheckout),
        ({"amount": 29999}, OtherAmount),
        ({"currency": "EUR"}, OtherAmount),
    ],
)
async def test_what_does_not_fit_is_kept_and_not_booked(
    counter: Counter, change: Content, refusal: type[Exception]
) -> None:
    event = {**await asked(counter), **change}
    assert (await told(counter, event)).status_code == 200
    with pytest.raises(refusal):
        await counter.book()
    assert await counter.asks("select * from payments") == []
    assert await counter.asks("select state from inbox") == [("new",)]


async def test_an_event_that_comes_before_the_answer_is_booked(counter: Counter) -> None:
    event = await asked(counter)
    async with counter.database.write() as session:
        connection = await session.connection()
        await connection.exec_driver_sql("update checkouts set provider_ref = null")
    await told(counter, event)
    assert len(await counter.book()) == 1
    assert await counter.asks("select provider_ref from checkouts") == [(event["checkout"],)]


async def test_other_news_books_nothing(counter: Counter) -> None:
    await told(counter, {**await asked(counter), "type": "checkout.expired"})
    assert await counter.book() == [None]
    assert await counter.asks("select * from payments") == []


@pytest.mark.parametrize("raw", [b"{", b"[]", b'{"id": "e"}', b'{"amount": 1.5}', b"[" * 100_000])
async def test_what_is_signed_and_unreadable_is_kept_for_a_person(counter: Counter, raw: bytes) -> None:
    assert (await told(counter, raw)).status_code == 200
    assert await counter.asks("select raw from inbox") == [(raw,)]
    with pytest.raises(Unreadable):
        stored_event(raw)


async def test_an_endless_event_is_refused(counter: Counter) -> None:
    assert (await told(counter, b" " * 300_000)).status_code == 413
    assert await counter.asks("select * from inbox") == []


async def test_the_store_knows_no_token(counter: Counter) -> None:
    token = counter.address.rpartition("/")[2]
    [(digest, row)] = await counter.asks("select digest, pay_links::text from pay_links")
    assert len(token) == 22
    assert isinstance(digest, bytes)
    assert len(digest) == 32
    assert token not in str(row)
