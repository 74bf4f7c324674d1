"""From the button to the provider's page: the right sum, once, and no silence when the provider is down."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from datetime import date, datetime, timedelta

import httpx
import pytest
from given import given_invoice
from paying import KEY, SECRET, Counter, checkout_in, pay_counter

from bot.pay.amounts import typed_amount
from bot.pay.provider import CheckoutRefused, PaymentProvider, ProviderUnreachable
from engine.money import BadAmount, money
from engine.store.session import Database


@pytest.fixture
async def counter(database: Database, now: datetime) -> AsyncIterator[Counter]:
    async with pay_counter(database, now) as open_counter:
        yield open_counter


async def test_one_button_pays_it_all(counter: Counter) -> None:
    answer = await counter.press(shown="30000-30000")
    assert answer.status_code == 303
    assert answer.headers["Location"].startswith(f"{counter.carrier.url}/")
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    [checkout] = counter.carrier.checkouts
    [(number, amount, reference)] = await counter.asks("select id::text, amount, provider_ref from checkouts")
    assert (checkout.amount, checkout.currency, checkout.language) == (30000, "RON", "ro")
    assert (checkout.reference, checkout.key, checkout.id, checkout.amount) == (number, number, reference, amount)
    assert checkout.description == "Plată către Acme & Sons"


async def test_a_part_can_be_paid(counter: Counter) -> None:
    ended = await counter.pays(amount="120,50")
    [booked] = await counter.book()
    assert booked is not None
    assert (booked.amount, booked.left) == (money("120.50", "RON"), money("179.50", "RON"))
    page = (await counter.read(ended)).text.replace("\N{NO-BREAK SPACE}", " ")
    assert "120,50 lei" in page
    assert "179,50 lei" in page


@pytest.mark.parametrize("typed", ["", "abc", "0", "-5", "1e3", "12,345,6", "0.001", "9" * 30, "<b>"])
async def test_an_unreadable_amount_is_explained(counter: Counter, typed: str) -> None:
    answer = await counter.press(amount=typed)
    assert answer.status_code == 422
    assert "<title>Eroare: " in answer.text
    assert "Nu s-au încasat bani." in answer.text
    assert 'aria-invalid="true"' in answer.text
    assert "<b>" not in answer.text
    assert await counter.asks("select * from checkouts") == []


async def test_more_than_is_due_is_refused(counter: Counter) -> None:
    answer = await counter.press(amount="300.01")
    assert answer.status_code == 422
    assert "cel mult 300\N{NO-BREAK SPACE}lei" in answer.text
    assert 'value="300.01"' in answer.text
    assert await counter.asks("select * from checkouts") == []


async def test_a_body_that_is_no_form_is_refused(counter: Counter) -> None:
    assert (await counter.web.post(counter.address, content=b"\xff=\xfe")).status_code == 422
    assert (await counter.web.post(counter.address, content=b"a" * 5000)).status_code == 413
    assert await counter.asks("select * from checkouts") == []


async def test_a_balance_that_changed_is_shown_before_it_is_paid(counter: Counter) -> None:
    async with counter.database.write() as session:
        await given_invoice(session, counter.ana, "I3", "50", date(2026, 3, 10), account="00124711")
    answer = await counter.press(shown="30000-30000")
    assert answer.status_code == 409
    assert "350\N{NO-BREAK SPACE}lei" in answer.text
    assert counter.carrier.checkouts == ()


async def test_a_second_press_leads_to_the_same_page(counter: Counter) -> None:
    first, second = await counter.press(), await counter.press()
    assert first.headers["Location"] == second.headers["Location"]
    assert len(counter.carrier.checkouts) == 1


async def test_two_presses_at_once_open_one_page(counter: Counter) -> None:
    answers = await asyncio.gather(counter.press(), counter.press())
    assert len({answer.headers["Location"] for answer in answers}) == 1
    assert len(await counter.asks("select * from checkouts")) == 1


async def test_another_amount_has_a_page_of_its_own(counter: Counter) -> None:
    first, second = await counter.press(amount="100"), await counter.press(amount="200")
    assert first.headers["Location"] != second.headers["Location"]


async def test_money_on_its_way_is_not_asked_for_again(counter: Counter) -> None:
    counter.carrier.public_url = "http://127.0.0.1:9"
    await counter.pays(amount="250")
    other = await counter.link(counter.ana)
    answer = await counter.press(other)
    assert answer.status_code == 409
    assert "250\N{NO-BREAK SPACE}lei" in answer.text
    assert "50\N{NO-BREAK SPACE}lei" in answer.text
    assert (await counter.press(other, amount="50")).status_code == 303


async def test_an_open_page_of_yesterday_is_left_alone(counter: Counter) -> None:
    await counter.press()
    counter.now += timedelta(hours=25)
    await counter.press()
    assert len(counter.carrier.checkouts) == 2


async def test_a_provider_that_is_down_takes_no_money(counter: Counter) -> None:
    await counter.carrier.stop()
    answer = await counter.press()
    assert answer.status_code == 503
    assert "Nu s-au încasat bani." in answer.text
    assert "din nou peste câteva minute" in answer.text
    assert await counter.asks("select amount, provider_ref from checkouts") == [(30000, None)]


async def test_a_retry_uses_the_same_key(counter: Counter) -> None:
    port = int(counter.carrier.url.rpartition(":")[2])
    await counter.carrier.stop()
    await counter.press()
    await counter.carrier.start(port=port)
    assert (await counter.press()).status_code == 303
    [(number,)] = await counter.asks("select id::text from checkouts")
    assert [checkout.key for checkout in counter.carrier.checkouts] == [number]


async def test_the_page_after_paying_tells_how_it_stands(counter: Counter) -> None:
    pressed = await counter.press()
    done = f"{counter.address}/done"
    assert "Încă nu am primit plata" in (await counter.read(done)).text
    ended = await counter.carrier.pay(pressed.headers["Location"])
    assert ended.startswith(f"{counter.carrier.public_url}{done}?checkout=")
    assert "plata dumneavoastră este pe drum" in (await counter.read(ended)).text
    await counter.book()
    page = (await counter.read(ended)).text
    assert "am primit plata dumneavoastră" in page
    assert checkout_in(ended)[:8].upper() in page
    await counter.carrier.stop()
    assert "am primit plata dumneavoastră" in (await counter.read(f"{done}?checkout=nonsense")).text


async def test_thanks_are_said_for_ones_own_checkout_only(counter: Counter) -> None:
    ended = await counter.pays()
    other = await counter.link(counter.ana)
    answer = await counter.read(f"{other}/done?checkout={checkout_in(ended)}")
    assert (answer.status_code, answer.headers["Location"]) == (303, f"{other}?lang=ro")


@pytest.mark.parametrize(
    ("text", "currency", "meant"),
    [
        ("120.50", "RON", 12050),
        (" 120,5 ", "RON", 12050),
        ("1 240,50", "UAH", 124050),
        ("1.240,50", "RON", 124050),
        ("1,240.50 ron", "RON", 124050),
        ("1.500", "RON", 150000),
        ("1.500", "KWD", 1500),
        ("1200", "JPY", 1200),
    ],
)
def test_amounts_are_read_as_people_write_them(text: str, currency: str, meant: int) -> None:
    assert typed_amount(text, currency).minor == meant


@pytest.mark.parametrize("text", ["1,200,50", "1200.300", "1,200.500", "12.5.1", "٣٠٠"])
def test_amounts_are_not_guessed(text: str) -> None:
    with pytest.raises(BadAmount):
        typed_amount(text, "RON")


async def test_a_wrong_key_is_a_refusal(counter: Counter) -> None:
    stranger = PaymentProvider(counter.carrier.url, "other", SECRET)
    with pytest.raises(CheckoutRefused):
        await stranger.checkout("co_1")
    await stranger.close()


async def test_a_pay_page_elsewhere_is_never_followed(counter: Counter) -> None:
    await counter.press()
    strict = PaymentProvider(counter.carrier.url, KEY, SECRET, pages="https://pay.example")
    with pytest.raises(CheckoutRefused):
        await strict.checkout(counter.carrier.checkouts[0].id)
    await strict.close()


async def test_a_silent_provider_is_unreachable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        impatient = PaymentProvider(f"http://127.0.0.1:{silent.getsockname()[1]}", KEY, SECRET, timeout=0.1)
        with pytest.raises(ProviderUnreachable) as caught:
            await impatient.checkout("co_1")
        await impatient.close()
    assert isinstance(caught.value.__cause__, httpx.TimeoutException)
