"""The operations page in Chromium: live, by keyboard, and fit to be read at any width and in both looks."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from axe_playwright_python.async_playwright import Axe
from consoles import PASSWORD
from pages import quiet_page
from playwright.async_api import Browser, Page, expect
from sqlalchemy import text

from bot.sending.pace import FUSE, learn
from bot.ticks import day_tick
from channels.port import Unreached
from engine.contact import ChannelKind
from engine.store.tables.talk import InboxEvent

TOO_WIDE = """() => [...document.querySelectorAll("body *")]
  .filter((one) => one.getBoundingClientRect().right > innerWidth + 1 && !one.closest(".scroll, .unseen, dialog"))
  .map((one) => one.outerHTML.slice(0, 80))"""
DOUBT = "update outbound set state = 'unknown', settled_at = null"
GAP = """
insert into gaps (kind, channel, sender, subject, found_at)
values ('stranger', 'sms', '+12025550100', 'SM4fb0c2d1e8a74a0c9f8e0c1d2b3a4f5e', :now)
"""


@pytest.fixture
async def olga(chromium: Browser, desk) -> AsyncIterator[Page]:
    """Olga, signed in, on the operations page of a day on which Ana was written to."""
    await day_tick(desk.running.wired.app, desk.clock())
    await desk.running.settle()
    async with quiet_page(chromium, desk.url) as page:
        await page.goto("/console/sign-in")
        await page.get_by_label("Login").fill("olga")
        await page.get_by_label("Password").fill(PASSWORD)
        await page.get_by_role("button", name="Sign in").click()
        await page.wait_for_url("**/console/")
        await page.get_by_role("link", name="Operations").click()
        yield page


async def park(desk, name: str) -> None:
    async with desk.database.write() as session:
        told = {"provider": "payments", "state": "parked", "error": f"no such checkout as {name}"}
        session.add(InboxEvent(event=name, received_at=desk.clock(), raw=b"{}", **told))


async def test_what_happens_shows_by_itself_and_a_half_written_reason_stays(desk, olga):
    await expect(olga.locator("#parked")).to_contain_text("Nothing is parked")
    await park(desk, "c1")
    await expect(olga.locator("#parked [data-row]")).to_have_count(1)
    await olga.get_by_label("Give up: Payments, no such checkout as c1").press("Enter")
    why = olga.locator(".giving[open]").get_by_label("Why")
    await why.press_sequentially("paid ")
    await park(desk, "c2")
    await expect(olga.locator("#parked [data-row]")).to_have_count(2)
    await why.press_sequentially("elsewhere")
    await expect(why).to_be_focused()
    await why.press("Enter")
    await expect(olga.locator("#parked [data-row]")).to_have_count(1)
    await expect(olga.locator("#parked")).to_contain_text("no such checkout as c2")


@pytest.mark.parametrize("look", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
async def test_axe_finds_nothing_in_operations_and_nothing_runs_off(desk, olga, look, width):
    await olga.emulate_media(color_scheme=look)
    await olga.set_viewport_size({"width": width, "height": 844})
    await checked(olga)
    await park(desk, "c1")
    async with desk.database.write() as session:
        await session.execute(text(DOUBT))
        await session.execute(text(GAP), {"now": desk.clock()})
        await learn(session, {ChannelKind.SMS: [Unreached("down")] * FUSE}, desk.clock())
    desk.later(timedelta(minutes=1))
    await olga.reload()
    await expect(olga.get_by_text("the carrier is not reached")).to_be_visible()
    await expect(olga.locator("#doubt blockquote")).to_be_visible()
    await olga.get_by_label("Give up: Payments").click()
    await checked(olga)


async def checked(page: Page) -> None:
    found = await Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    assert await page.evaluate(TOO_WIDE) == []
    assert await page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
