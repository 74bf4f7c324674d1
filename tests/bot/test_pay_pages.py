"""What a subscriber sees on the pay pages."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date, datetime, timedelta

import pytest
from given import given_client, given_invoice
from paying import Counter, pay_counter

from engine.agreements.disputes import dispute
from engine.agreements.promises import promise
from engine.ledger import Received, receive
from engine.money import money
from engine.store.session import Database
from engine.store.tables.ledger import Promise


@pytest.fixture
async def counter(database: Database, now: datetime) -> AsyncIterator[Counter]:
    async with pay_counter(database, now) as open_counter:
        yield open_counter


def words(page: str) -> str:
    return " ".join(page.replace("\N{NO-BREAK SPACE}", " ").split())


async def test_the_page_says_who_asks_how_much_and_for_what(counter: Counter) -> None:
    answer = await counter.read()
    page = words(answer.text)
    assert answer.status_code == 200
    assert '<html lang="ro" dir="ltr">' in page
    assert "Acme &amp; Sons vă roagă să achitați pentru 2 conturi:" in page
    assert "300 lei" in page
    assert "Telefonie mobilă" in page
    assert "cont terminat în 0815" in page
    assert "scadent din" in page
    assert "1 martie" in page
    assert page.count("<h1>") == 1
    assert page.count('class="main"') == 1


async def test_account_numbers_and_names_stay_private(counter: Counter) -> None:
    page = (await counter.read()).text
    assert "00124711" not in page
    assert "Ana" not in page
    async with counter.database.write() as session:
        eve = await given_client(session, "eve")
        await given_invoice(session, eve, "E1", "10", date(2026, 3, 1), account="E17")
    assert "E17" not in (await counter.read(await counter.link(eve))).text


async def test_the_page_is_kept_out_of_caches_searches_and_referrers(counter: Counter) -> None:
    headers = (await counter.read()).headers
    assert headers["Cache-Control"] == "no-store"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert "noindex" in headers["X-Robots-Tag"]
    policy = headers["Content-Security-Policy"]
    assert policy.startswith(f"default-src 'none'; style-src 'self'; form-action 'self' {counter.carrier.url}; ")
    assert "<script" not in (await counter.read()).text


@pytest.mark.parametrize(
    ("wanted", "title"),
    [("en", "Amount due"), ("ro", "Suma de plată"), ("uk", "Сума до сплати"), ("ru", "Сумма к оплате")],
)
async def test_a_visible_switch_changes_the_language(counter: Counter, wanted: str, title: str) -> None:
    assert f'href="?lang={wanted}"' in (await counter.read()).text
    answer = await counter.read(f"{counter.address}?lang={wanted}")
    assert f"<h1>{title}</h1>" in answer.text
    assert answer.headers["Content-Language"] == wanted
    assert f'action="{counter.address}?lang={wanted}"' in answer.text


async def test_the_clients_language_comes_before_the_browsers(counter: Counter) -> None:
    assert '<html lang="ro"' in (await counter.read(**{"Accept-Language": "uk"})).text
    async with counter.database.write() as session:
        kiki = await given_client(session, "kiki", language="el")
    unknown = await counter.link(kiki)
    assert '<html lang="uk"' in (await counter.read(unknown, **{"Accept-Language": "fr, uk-UA;q=0.8"})).text
    assert '<html lang="en"' in (await counter.read(unknown, **{"Accept-Language": "fr"})).text
    assert '<html lang="ro"' in (await counter.read(f"{counter.address}?lang=xx%22")).text


async def test_what_is_not_yet_due_or_in_another_currency_is_not_asked_for(counter: Counter) -> None:
    async with counter.database.write() as session:
        await given_invoice(session, counter.ana, "I3", "50", date(2026, 3, 12), account="00124711")
        await given_invoice(session, counter.ana, "I4", "70", date(2026, 3, 1), account="9999", currency="EUR")
    assert "300 lei" in words((await counter.read()).text)
    assert "70 EUR" in words((await counter.read(await counter.link(counter.ana, "EUR"))).text)
    counter.now += timedelta(days=1)
    assert "350 lei" in words((await counter.read()).text)


async def test_the_page_knows_what_was_agreed_or_told(counter: Counter) -> None:
    async with counter.database.write() as session:
        await promise(session, counter.ana, money(80, "RON"), date(2026, 3, 20), counter.now)
        await dispute(session, counter.ana, money(30, "RON"), "wrong", counter.now)
        told = Received("told", counter.ana, money(40, "RON"), counter.now, "claimed", confirmed=False)
        await receive(session, told, counter.now)
    page = words((await counter.read(f"{counter.address}?lang=en")).text)
    assert "You plan to pay 80 RON by March 20" in page or "You plan to pay 80 RON by 20 March" in page
    assert "You contest 30 RON." in page
    assert "You told us that you have paid 40 RON." in page


async def test_the_page_of_an_amnesty_asks_for_the_part_and_says_what_it_cancels(counter: Counter) -> None:
    async with counter.database.write() as session:
        number = await promise(session, counter.ana, money(180, "RON"), date(2026, 3, 20), counter.now)
        (await session.get_one(Promise, number)).remits = 120_00
    page = words((await counter.read(f"{counter.address}?lang=en")).text)
    assert "Once 180 RON has come, the remaining 120 RON is cancelled." in page
    assert "Pay the whole balance" not in page


async def test_nothing_to_pay(counter: Counter) -> None:
    async with counter.database.write() as session:
        bank = Received("bank", counter.ana, money(300, "RON"), counter.now, "bank")
        await receive(session, bank, counter.now)
    answer = await counter.read()
    assert answer.status_code == 200
    assert "<h1>Nu aveți nimic de plată</h1>" in answer.text
    assert "300 lei" in words(answer.text)
    assert "<form" not in answer.text
    pressed = await counter.press()
    assert (pressed.status_code, pressed.headers["Location"]) == (303, f"{counter.address}?lang=ro")


@pytest.mark.parametrize("token", ["x", "A" * 22, "A" * 21 + "%00", "А" * 22, "A" * 500])
async def test_an_unknown_address_says_what_to_do(counter: Counter, token: str) -> None:
    for answer in (
        await counter.read(f"/pay/{token}", **{"Accept-Language": "ru"}),
        await counter.web.post(f"/pay/{token}?lang=ru"),
        await counter.read(f"/pay/{token}/done?lang=ru"),
    ):
        assert answer.status_code == 404
        assert "Деньги не списаны." in answer.text
        assert "0800 123" in words(answer.text)
        assert answer.headers["Cache-Control"] == "no-store"


async def test_previews_change_nothing(counter: Counter) -> None:
    before = await counter.asks("select xmin::text, * from pay_links")
    for address in (counter.address, f"{counter.address}/done", f"{counter.address}?amount=5&lang=uk"):
        await counter.web.get(address)
        await counter.web.head(address)
    assert await counter.asks("select xmin::text, * from pay_links") == before
    assert await counter.asks("select * from checkouts") == []
    assert await counter.asks("select * from inbox") == []
    assert counter.carrier.checkouts == ()


async def test_the_stylesheet_is_ours_and_may_be_kept_for_ever(counter: Counter) -> None:
    page = (await counter.read()).text
    address = page.partition('<link rel="stylesheet" href="')[2].partition('"')[0]
    style = await counter.read(address)
    assert style.headers["Content-Type"].startswith("text/css")
    assert "immutable" in style.headers["Cache-Control"]
    assert (await counter.read("/pay/static/pay-0.css")).status_code == 404


async def test_a_creditor_is_shown_as_text(counter: Counter) -> None:
    async with counter.database.write() as session:
        await given_invoice(
            session, counter.ana, "I9", "1", date(2026, 3, 1), account="<b>12345678", service="<script>"
        )
    page = (await counter.read()).text
    assert "<script>" not in page.lower()
    assert "Acme & Sons" not in page
