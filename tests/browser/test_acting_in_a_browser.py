"""Acting on a client's work in Chromium: paused and explained, moved, exempted; accessible, and kept while typed."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from axe_playwright_python.async_playwright import Axe
from consoles import PASSWORD
from pages import quiet_page
from playwright.async_api import Browser, Page, expect
from sqlalchemy import select

from bot.ticks import day_tick
from engine.store.consents import Consent, Means, Proof, book_consent
from engine.store.tables.portfolio import Address

TOO_WIDE = """() => [...document.querySelectorAll("body *")]
  .filter((one) => one.getBoundingClientRect().right > innerWidth + 1 && !one.closest(".scroll, .unseen, dialog"))
  .map((one) => one.outerHTML.slice(0, 80))"""
ANA = "/console/clients/ana"


@pytest.fixture
async def olga(chromium: Browser, desk) -> AsyncIterator[Page]:
    """Olga on the page of Ana, whose case has begun; one test sends a form that is refused."""
    await day_tick(desk.running.wired.app, desk.clock())
    async with quiet_page(chromium, desk.url, pardoned=("422",)) as page:
        await page.goto("/console/sign-in")
        await page.get_by_label("Login").fill("olga")
        await page.get_by_label("Password").fill(PASSWORD)
        await page.get_by_role("button", name="Sign in").click()
        await page.wait_for_url("**/console/")
        await page.goto(ANA)
        yield page


async def open_act(page: Page, subject: str, title: str) -> None:
    """Open the form `title` of a subject."""
    await page.locator("details.acts > summary", has_text=subject).click()
    await page.locator("details.one > summary", has_text=title).click()


async def test_a_client_is_paused_explained_and_set_going_again(desk, olga):
    await open_act(olga, "Act on contact", "Pause all work")
    await olga.get_by_label("Days, today included").fill("7")
    await olga.locator("#pause").get_by_label("Reason").fill("in hospital")
    await expect(olga.locator("#pause .says")).to_contain_text("starts no contact, those planned included")
    await olga.get_by_role("button", name="Pause", exact=True).click()
    await expect(olga.locator("#head")).to_contain_text("paused until 18 Mar")
    await expect(olga.locator("#why")).to_contain_text("Paused until 18 Mar 2026: in hospital, by Olga Marin.")
    await open_act(olga, "Act on contact", "End the pause")
    await olga.locator("#end-pause").get_by_label("Reason").fill("she is back")
    await olga.get_by_role("button", name="End the pause").click()
    await expect(olga.locator("#head")).not_to_contain_text("paused")
    await expect(olga.locator("#timeline")).to_contain_text("Olga Marin ended a pause")


async def test_a_day_of_the_timeline_leads_to_its_reasons(desk, olga):
    await desk.running.settle()
    await olga.get_by_role("link", name="why so on Today").click()
    await expect(olga.locator("#why")).to_be_in_viewport()
    await expect(olga.locator("#why")).to_contain_text("Stage reminder was entered")
    await expect(olga.locator("#why .fared")).to_contain_text("delivered")


async def test_a_case_is_moved_to_a_stage(desk, olga):
    await open_act(olga, "Act on the case", "Move to a stage")
    form = olga.locator("form[id^=move]")
    await expect(form.locator(".pick")).to_contain_text("suspend service, a task: call")
    await form.get_by_label("Reason").fill("agreed with the provider")
    await form.get_by_role("button", name="Move the case").click()
    await expect(olga.locator(".steps .now")).to_contain_text("restriction")
    await expect(olga.locator("#timeline")).to_contain_text("moved the case to stage restriction")


async def test_a_client_with_a_long_story_stays_in_the_window(desk, olga):
    for number in range(20):
        await desk.ana_writes(f"message number {number}")
    await olga.reload()
    higher = "document.documentElement.scrollHeight - innerHeight"
    assert await olga.evaluate(higher) <= 0
    await olga.goto(f"{ANA}#money")
    assert await olga.evaluate(higher) <= 0
    assert await olga.evaluate("scrollY") == 0


async def test_an_exempted_invoice_freezes_the_debt(desk, olga):
    await open_act(olga, "Act on the debt", "Exempt from collection")
    form = olga.locator("#exempt-1")
    await form.get_by_label("What").select_option(label="invoice I1: 120.50\N{NO-BREAK SPACE}RON")
    await form.get_by_label("Reason").fill("the line was down")
    await form.get_by_role("button", name="Exempt it").click()
    await expect(olga.locator("#debt-1 .sums")).to_contain_text("0.00\N{NO-BREAK SPACE}RON")
    await expect(olga.locator("#debt-1 .frozen")).to_contain_text("exempted")
    await expect(olga.locator("#debt-1 .frozen")).to_contain_text("the line was down · by Olga Marin")


async def test_what_is_typed_into_a_form_stays_while_the_client_writes(desk, olga):
    await open_act(olga, "Act on contact", "Pause all work")
    days, reason = olga.get_by_label("Days, today included"), olga.locator("#pause").get_by_label("Reason")
    await days.fill("12")
    await reason.fill("half a sent")
    await desk.ana_writes("are you there?")
    await expect(olga.locator("#timeline")).to_contain_text("are you there?")
    await expect(days).to_have_value("12")
    await expect(reason).to_have_value("half a sent")


@pytest.mark.parametrize("look", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
async def test_open_and_refused_forms_are_clean_and_fit(desk, olga, look, width):
    await olga.emulate_media(color_scheme=look)
    await olga.set_viewport_size({"width": width, "height": 844})
    async with desk.database.write() as session:
        mail = await session.scalar(select(Address.id).where(Address.channel == "email"))
        await book_consent(session, Consent.OPTED_OUT, [mail], Proof(Means.COMPLAINT, "attempt:1"), desk.clock())
    await olga.goto(f"{ANA}#facts")
    await olga.reload()
    subjects = ["Act on the debt", "Act on the case", "Act on contact", "Act on promises", "Act on ways to reach them"]
    for subject in subjects:
        await olga.locator("details.acts > summary", has_text=subject).click()
    again = "Write to ana@example.com again"
    for title in ("Hold a stage", "Exempt from collection", "Record a promise", "Pause all work", again):
        await olga.locator("details.one > summary", has_text=title).click()
    await clean(olga)
    await olga.evaluate("document.getElementById('pause').noValidate = true")
    await olga.get_by_label("Days, today included").fill("0")
    await olga.get_by_role("button", name="Pause", exact=True).click()
    await expect(olga.get_by_role("alert")).to_contain_text("There is a problem")
    await expect(olga.locator("#problem")).to_be_focused()
    await olga.get_by_role("link", name="Give a number of days").click()
    await expect(olga.get_by_label("Days, today included")).to_be_in_viewport()
    await clean(olga)


async def clean(page: Page) -> None:
    """Axe finds nothing, and nothing runs off the page."""
    found = await Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    assert await page.evaluate(TOO_WIDE) == []
    assert await page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


async def test_a_client_is_paused_without_javascript(chromium, desk):
    await day_tick(desk.running.wired.app, desk.clock())
    page = await chromium.new_page(base_url=desk.url, java_script_enabled=False)
    await page.goto(f"/console/sign-in?to={ANA}")
    await page.get_by_label("Login").fill("ion")
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in").click()
    await page.goto(ANA)
    await open_act(page, "Act on contact", "Pause all work")
    await page.locator("#pause").get_by_label("Reason").fill("in hospital")
    await page.get_by_role("button", name="Pause", exact=True).click()
    await expect(page.locator("#head")).to_contain_text("paused until 18 Mar")
    await page.close()
