"""What the pages show, and that nothing a subscriber writes can break out of them."""

from __future__ import annotations

from datetime import date

import pytest
from given import given_client, given_invoice
from sqlalchemy import update

from bot.console.assets import Assets
from bot.console.search import PAGE, folded
from bot.ticks import day_tick
from engine.agreements.promises import promise
from engine.money import money
from engine.store.session import lock_clients
from engine.store.tables.portfolio import Client

EVIL = """<script>alert(1)</script><img src=x onerror="alert(1)">'"}}{{ 7*7 }}"""


async def test_names_and_messages_are_shown_as_text(signed_in, escalated):
    desk = signed_in
    async with desk.database.write() as session:
        await session.execute(update(Client).where(Client.ref == "ana").values(name=EVIL))
    await desk.ana_writes(EVIL)
    pages = [
        "/console/inbox/all",
        f"/console/inbox/all/{escalated}",
        "/console/clients?show=all",
        "/console/clients/ana",
    ]
    for path in pages:
        page = await desk.olga.see(path)
        assert "<script>alert" not in page, path
        assert "<img" not in page, path
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page, path
        assert "{{ 7*7 }}" in page, path


async def test_what_is_searched_for_is_shown_as_text(signed_in):
    page = await signed_in.olga.see("/console/clients?q=%3Cscript%3E%22%27")
    assert "<script>&" not in page
    assert 'value="&lt;script&gt;&#34;&#39;"' in page
    assert "Nobody found" in page


@pytest.mark.parametrize("asked", ["ana", "ANA", "A1", "a1", "+40 722 000 001", "Ana@Example.com", "an"])
async def test_a_client_is_found_by_name_number_account_phone_or_mail(signed_in, asked):
    page = (await signed_in.olga.web.get("/console/clients", params={"q": asked})).text
    assert "/console/clients/ana" in page


async def test_a_name_is_found_without_its_accents_and_in_any_order(signed_in):
    async with signed_in.database.write() as session:
        client = await given_client(session, "C7")
        await session.execute(update(Client).where(Client.id == client).values(name="Ștefan Țurcanu-Ёлкин"))
    for asked in ("stefan", "turcanu ștef", "елкин"):
        assert "/console/clients/C7" in (await signed_in.olga.web.get("/console/clients", params={"q": asked})).text
    assert "/console/clients/C7" not in (await signed_in.olga.web.get("/console/clients?q=stefanie")).text


def test_letters_that_differ_stay_different():
    assert folded("Їжак") != folded("Ижак")
    assert folded("ȘŢ") == "st"


async def test_a_long_list_comes_in_pages(signed_in):
    async with signed_in.database.write() as session:
        for number in range(PAGE + 5):
            await given_client(session, f"N{number:03d}")
    first = await signed_in.olga.see("/console/clients?show=all")
    assert first.count('data-row="c') == PAGE
    following = first.split('rel="next" href="')[1].split('"')[0].replace("&amp;", "&")
    second = await signed_in.olga.see(following)
    assert second.count('data-row="c') == 6
    assert 'rel="next"' not in second


async def test_the_clients_page_tells_what_is_owed_and_what_is_frozen_and_why(signed_in):
    desk = signed_in
    await day_tick(desk.running.wired.app, desk.clock())
    await desk.running.settle()
    async with desk.database.write() as session:
        ana = await session.scalar(Client.__table__.select().with_only_columns(Client.id).where(Client.ref == "ana"))
        await lock_clients(session, [ana])
        await promise(session, ana, money("50.50", "RON"), date(2026, 3, 20), desk.clock())
    page = await desk.olga.see("/console/clients/ana")
    for fact in (
        "70.00\N{NO-BREAK SPACE}RON",
        "120.50\N{NO-BREAK SPACE}RON",
        "promised until 20 Mar",
        "reminder",
        "restriction",
    ):
        assert fact in page, fact
    assert "stage 1 of the plan entered" in page
    assert 'role="log"' in page


async def test_the_overview_counts_the_portfolio(signed_in, escalated):
    desk = signed_in
    async with desk.database.write() as session:
        await given_invoice(session, await given_client(session, "dan"), "I9", "10", date(2026, 3, 1), account="A9")
    page = await desk.olga.see("/console/")
    row = page[page.index('<th scope="row">RON') :]
    assert '<td class="number">130.50</td>' in row[: row.index("</tr>")]
    assert "<strong>2</strong>" in page
    assert "Waiting for a person</span><strong>1</strong>" in page


async def test_a_page_of_an_empty_portfolio_says_what_will_appear(signed_in):
    assert "Nobody is waiting" in await signed_in.olga.see("/console/inbox/waiting")
    assert "No case is open" in await signed_in.olga.see("/console/")


async def test_an_unknown_address_is_a_page_with_a_way_on(signed_in):
    for path in (
        "/console/nowhere",
        "/console/clients/nobody",
        "/console/inbox/waiting/99999",
        "/console/inbox/waiting/x",
    ):
        page = await signed_in.olga.see(path, status=404)
        assert "Go back" in page, path


async def test_files_have_addresses_that_change_with_their_content(signed_in, tmp_path):
    page = await signed_in.olga.see("/console/")
    address = page.split('rel="stylesheet" href="')[1].split('"')[0]
    answer = await signed_in.olga.web.get(address)
    assert answer.headers["content-type"].startswith("text/css")
    assert "immutable" in answer.headers["cache-control"]
    file = tmp_path / "console.css"
    seen = set()
    for content in ("a{}", "b{}"):
        file.write_text(content)
        seen.add(Assets({"console.css": file}).address("console.css"))
    assert len(seen) == 2


def test_our_own_script_stays_small():
    ours = Assets().response(Assets().address("console.js").removeprefix("/console/assets/"))
    assert len(ours.body) < 25_000
