"""The work list in Chromium: taken and finished by hand, live, with and without JavaScript, wide and narrow."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from axe_playwright_python.async_playwright import Axe
from consoles import PASSWORD
from pages import quiet_page
from playwright.async_api import Browser, Page, expect
from sqlalchemy import select

from bot.ticks import day_tick
from engine.plan import Verb
from engine.store.tables.casework import Case, ServiceOrder, Task
from engine.store.tables.portfolio import Account, Client
from engine.work.orders import OVERDUE

TOO_WIDE = """() => [...document.querySelectorAll("body *")]
  .filter((one) => one.getBoundingClientRect().right > innerWidth + 1 && !one.closest(".scroll, .unseen, dialog"))
  .map((one) => one.outerHTML.slice(0, 80))"""


async def add_task(desk, kind: str, reason: str) -> None:
    async with desk.database.write() as session:
        ana = await session.scalar(select(Client.id))
        session.add(Task(client_id=ana, kind=kind, reason=reason, source=f"{kind}:{reason}", created_at=desk.clock()))


async def sign_in(page: Page, login: str) -> None:
    await page.goto("/console/sign-in")
    await page.get_by_label("Login").fill(login)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in").click()
    await page.wait_for_url("**/console/")


@pytest.fixture
async def olga(chromium: Browser, desk) -> AsyncIterator[Page]:
    """Olga, signed in, with a call and a review to do; one test hands in what cannot be booked."""
    await add_task(desk, "call", "stage pre_collections")
    await add_task(desk, "review", "disputes the debt")
    async with quiet_page(chromium, desk.url, pardoned=("422",)) as page:
        await sign_in(page, "olga")
        yield page


async def test_a_call_is_taken_made_and_finished(desk, olga):
    await olga.get_by_role("link", name="Work").click()
    await olga.get_by_role("button", name="Take: call, Ana").click()
    await expect(olga.get_by_text("You have this client’s tasks")).to_be_visible()
    form = olga.get_by_role("form", name="Finish: call")
    await form.get_by_label("How it ended").select_option("reached: promises to pay")
    await form.get_by_label("Person reached").fill("Ana")
    await form.get_by_label("Sum").fill("100")
    await form.get_by_label("By the end of").fill("2026-03-20")
    await form.get_by_role("button", name="Finish").click()
    await expect(olga.locator("#timeline")).to_contain_text("Olga Marin finished the call task: promised")
    await expect(olga.locator("#facts-body")).to_contain_text("promised until 20 Mar")
    await expect(olga.locator("#tasks .count")).to_have_text("1")


async def test_what_is_half_typed_stays_while_the_client_writes(desk, olga):
    await olga.goto("/console/clients/ana")
    form = olga.get_by_role("form", name="Finish: call")
    await form.get_by_label("How it ended").select_option("reached")
    await form.get_by_label("Person reached").fill("her son")
    note = form.get_by_label("Note")
    await note.press_sequentially("asks for ")
    await desk.ana_writes("hello")
    await expect(olga.locator("#timeline")).to_contain_text("hello")
    await note.press_sequentially("a week")
    await expect(form.get_by_label("How it ended")).to_have_value("reached")
    await expect(form.get_by_label("Person reached")).to_have_value("her son")
    await expect(note).to_have_value("asks for a week")
    await expect(note).to_be_focused()


async def test_new_work_waits_behind_a_pill_and_who_took_it_is_told_at_once(chromium, desk, olga):
    await olga.goto("/console/work")
    await expect(olga.locator("#found [data-row]")).to_have_count(2)
    await add_task(desk, "visit", "stage field_work")
    await olga.get_by_role("button", name="1 new task").click()
    await expect(olga.locator("#found [data-row]")).to_have_count(3)
    ion = await chromium.new_page(base_url=desk.url)
    await sign_in(ion, "ion")
    await ion.goto("/console/work")
    await ion.get_by_role("button", name="Take: visit, Ana").click()
    await expect(olga.locator("#found .whose").first).to_contain_text("Ion Rusu")
    await ion.close()


async def test_work_is_done_without_javascript(chromium, desk, olga):
    page = await chromium.new_page(base_url=desk.url, java_script_enabled=False)
    await sign_in(page, "ion")
    await page.get_by_role("link", name="Work").click()
    await page.get_by_role("link", name="Reviews").click()
    await page.get_by_role("button", name="Take: review, Ana").click()
    await page.locator("summary", has_text="review").click()
    form = page.get_by_role("form", name="Finish: review")
    await form.get_by_label("Note").fill("granted in part")
    await form.get_by_role("button", name="Finish").click()
    await expect(page.locator("#timeline")).to_contain_text("Ion Rusu finished the review task: other. granted in part")
    await page.locator("summary", has_text="Enter what was done").click()
    entry = page.get_by_role("form", name="Enter what was done")
    await entry.get_by_label("What was done").select_option("letter delivered")
    await entry.get_by_label("On", exact=True).fill("2026-03-02")
    await entry.get_by_role("button", name="Enter").click()
    await expect(page.locator("#timeline")).to_contain_text("Ion Rusu noted: letter delivered on 2 Mar")
    await page.close()


@pytest.mark.parametrize("look", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
async def test_axe_finds_nothing_in_the_work_and_nothing_runs_off(desk, olga, look, width):
    await day_tick(desk.running.wired.app, desk.clock())
    async with desk.database.write() as session:
        case, account = await session.scalar(select(Case)), await session.scalar(select(Account.id))
        ids = {"case_id": case.id, "client_id": case.client_id, "account_id": account, "stage": 0}
        session.add(ServiceOrder(**ids, verb=Verb.SUSPEND_SERVICE, ordered_at=desk.clock() - 2 * OVERDUE))
    desk.later(timedelta(minutes=1))
    await olga.emulate_media(color_scheme=look)
    await olga.set_viewport_size({"width": width, "height": 844})
    for path in ("/console/work", "/console/work?show=mine", "/console/work?show=orders", "/console/clients/ana#facts"):
        await olga.goto(path)
        await checked(olga, path)
    form = olga.get_by_role("form", name="Finish: call")
    await form.get_by_label("How it ended").select_option("reached: promises to pay")
    await form.get_by_role("button", name="Finish").click()
    await expect(olga.get_by_role("alert")).to_contain_text("Nothing was booked")
    await checked(olga, "the form that came back")


async def checked(page: Page, path: str) -> None:
    found = await Axe().run(page)
    assert found.violations_count == 0, f"{path}: {found.generate_report()}"
    assert await page.evaluate(TOO_WIDE) == [], f"{path} runs off the page"
    assert await page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, f"{path} scrolls sideways"
