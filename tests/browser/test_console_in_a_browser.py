"""The console in Chromium: live without jumps, keys in any layout, and nothing lost while typing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from axe_playwright_python.async_playwright import Axe
from consoles import PASSWORD
from given import given_client
from pages import quiet_page
from playwright.async_api import Browser, Page, WebSocketRoute, expect
from sqlalchemy import select

from engine.agreements.promises import promise
from engine.money import money
from engine.promise import PromiseTerms
from engine.store.tables.portfolio import Account, Client

TOO_WIDE = """() => [...document.querySelectorAll("body *")]
  .filter((one) => one.getBoundingClientRect().right > innerWidth + 1 && !one.closest(".scroll, .unseen, dialog"))
  .map((one) => one.outerHTML.slice(0, 80))"""


@pytest.fixture
async def olga(chromium: Browser, desk) -> AsyncIterator[Page]:
    """Olga's page, signed in; one test asks for a page that is not there."""
    async with quiet_page(chromium, desk.url, pardoned=("404",)) as page:
        await sign_in(page, "olga")
        yield page


async def sign_in(page: Page, login: str) -> None:
    await page.goto("/console/sign-in")
    await page.get_by_label("Login").fill(login)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in").click()
    await page.wait_for_url("**/console/")


async def test_an_operator_takes_over_answers_and_hands_back(desk, escalated, olga):
    await olga.goto("/console/inbox/waiting")
    await olga.get_by_role("link", name="Ana").click()
    await olga.get_by_role("button", name="Take over").click()
    await olga.get_by_label("Answer in English by SMS").fill("Hello, this is Olga.")
    await olga.keyboard.press("Control+Enter")
    await expect(olga.locator(".said.operator")).to_contain_text("Hello, this is Olga.")
    await desk.running.settle()
    assert desk.texts[-1] == "Hello, this is Olga."
    await expect(olga.locator(".said.operator .fate")).to_contain_text("delivered")
    await olga.get_by_role("button", name="Hand back to the bot").click()
    await expect(olga.locator("#custody")).to_contain_text("The bot has this conversation")


async def test_typing_survives_twenty_messages_that_arrive_meanwhile(desk, escalated, olga):
    await olga.goto(f"/console/inbox/all/{escalated}")
    await olga.get_by_role("button", name="Take over").click()
    words = olga.get_by_label("Answer in English by SMS")
    await words.click()
    for number in range(20):
        await words.press_sequentially(f"{number} ")
        await desk.ana_writes(f"message number {number}")
    await expect(olga.locator("#timeline")).to_contain_text("message number 19")
    await expect(words).to_be_focused()
    await expect(words).to_have_value("".join(f"{number} " for number in range(20)))
    await expect(olga.locator("#kept")).to_contain_text("Draft kept")
    await olga.reload()
    await expect(words).to_have_value("".join(f"{number} " for number in range(20)))


async def test_a_new_conversation_waits_behind_a_pill_and_moves_nothing(desk, escalated, olga):
    await olga.goto("/console/inbox/waiting")
    rows = olga.locator("#rows [data-row]")
    await expect(rows).to_have_count(1)
    async with desk.database.write() as session:
        dan = await given_client(session, "dan", language="en", sms="+40722000002")
        session.add(Account(ref="D1", client_id=dan, provider="acme", service="tv", currency="RON"))
    await desk.ana_writes("I want to speak to a person", sender="+40722000002")
    pill = olga.get_by_role("button", name="1 new conversation")
    await expect(pill).to_be_visible()
    await expect(rows).to_have_count(1)
    await pill.click()
    await expect(rows).to_have_count(2)
    await expect(pill).to_be_hidden()


async def test_keys_work_in_a_cyrillic_layout_and_not_in_fields(desk, escalated, olga):
    await olga.goto("/console/inbox/waiting")
    pressed = "new KeyboardEvent('keydown', {key, code, bubbles: true})"
    press = f"([key, code]) => document.activeElement.dispatchEvent({pressed})"
    await olga.evaluate(press, ["о", "KeyJ"])
    await expect(olga.locator("a.row")).to_be_focused()
    await olga.evaluate(press, ["щ", "KeyO"])
    await olga.wait_for_url(f"**/inbox/waiting/{escalated}")
    await olga.evaluate(press, ["е", "KeyT"])
    words = olga.get_by_label("Answer in English by SMS")
    await expect(words).to_be_focused()
    await olga.keyboard.type("best regards, bot")
    await expect(words).to_have_value("best regards, bot")
    await olga.keyboard.press("Escape")
    await olga.keyboard.press("Shift+Slash")
    await expect(olga.get_by_role("dialog", name="Keyboard")).to_be_visible()


async def test_signing_out_in_one_tab_ends_the_others(desk, olga):
    other = await olga.context.new_page()
    await other.goto("/console/inbox/waiting")
    await olga.get_by_role("button", name="Sign out").click()
    await olga.wait_for_url("**/console/sign-in")
    await desk.ana_writes("hello")
    await other.wait_for_url("**/console/sign-in?ended=1*")
    await expect(other.get_by_text("Your session has ended")).to_be_visible()


async def test_a_page_says_that_it_is_not_live_and_catches_up_by_itself(desk, escalated, olga):
    sockets: list[WebSocketRoute] = []

    def through(socket: WebSocketRoute) -> None:
        sockets.append(socket)
        if len(sockets) != 2:
            socket.connect_to_server()

    await olga.route_web_socket("**/console/live", through)
    await olga.goto(f"/console/inbox/all/{escalated}")
    await sockets[0].close()
    await expect(olga.get_by_text("Not live since")).to_be_visible()
    await desk.ana_writes("said while nobody listened")
    await expect(olga.locator("#timeline")).to_contain_text("said while nobody listened")
    await expect(olga.get_by_text("Not live since")).to_be_hidden()


async def test_everything_can_be_done_without_javascript(chromium, desk, escalated):
    page = await chromium.new_page(base_url=desk.url, java_script_enabled=False)
    await sign_in(page, "ion")
    await page.get_by_role("link", name="Inbox").click()
    await page.get_by_role("link", name="Ana").click()
    await page.get_by_role("button", name="Take over").click()
    await page.get_by_label("Answer in English by SMS").fill("No script needed.")
    await page.get_by_role("button", name="Send").click()
    await expect(page.locator(".said.operator")).to_contain_text("No script needed.")
    await desk.running.settle()
    assert desk.texts[-1] == "No script needed."
    await page.close()


async def test_the_overview_s_tables_scroll_on_a_phone_and_the_page_does_not(desk, olga):
    now = desk.clock()
    async with desk.database.write() as session:
        ana = await session.scalar(select(Client.id).where(Client.ref == "ana"))
        await promise(session, ana, money(100, "RON"), (now + timedelta(days=2)).date(), now, PromiseTerms())
    await olga.set_viewport_size({"width": 390, "height": 844})
    await olga.goto("/console/")
    for name in ("Debt by currency", "Promises by currency"):
        await expect(olga.get_by_role("group", name=name)).to_be_visible()
    assert await olga.evaluate(TOO_WIDE) == []


@pytest.mark.parametrize("look", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
async def test_axe_finds_nothing_and_nothing_runs_off_the_page(desk, escalated, olga, look, width):
    await olga.emulate_media(color_scheme=look)
    await olga.set_viewport_size({"width": width, "height": 844})
    talk = f"/console/inbox/waiting/{escalated}"
    pages = [
        "/console/",
        "/console/inbox/waiting",
        talk,
        f"{talk}#facts",
        "/console/inbox/mine",
        "/console/clients?show=all",
    ]
    for path in [*pages, "/console/clients?q=nobody", "/console/clients/ana", "/console/nowhere", "/console/sign-in"]:
        await olga.goto(path)
        found = await Axe().run(olga)
        assert found.violations_count == 0, f"{path}: {found.generate_report()}"
        wide = await olga.evaluate(TOO_WIDE)
        assert wide == [], f"{path} runs off the page"
        assert await olga.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, f"{path} scrolls sideways"
