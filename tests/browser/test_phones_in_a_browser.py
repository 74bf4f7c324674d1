"""The phones in Chromium: answered on every channel, live, and never in the way of who types."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime

import pytest
from axe_playwright_python.async_playwright import Axe
from pages import quiet_page
from playwright.async_api import Browser, Page, expect
from visiting import HOME, Visitor, visiting


@pytest.fixture
async def visitor(database_url: str, now: datetime) -> AsyncIterator[Visitor]:
    async with visiting(database_url, now) as somebody:
        yield somebody


@pytest.fixture
async def page(chromium: Browser, visitor: Visitor) -> AsyncIterator[Page]:
    """Ana's phones."""
    url = visitor.running.settings.public_url
    async with quiet_page(chromium, url, cookies=dict(visitor.web.cookies)) as page:
        await page.goto(f"{HOME}/ana")
        yield page


async def test_a_subscriber_answers_by_sms_and_the_bots_answer_comes_by_itself(visitor, page):
    await visitor.decide("sms")
    await expect(page.locator("#sms-screen")).to_contain_text("Pay now")
    box = page.get_by_label("Answer by SMS")
    await box.fill("I'll pay on Friday")
    await box.press("Enter")
    await expect(page.locator("#sms-screen .mine")).to_contain_text("I'll pay on Friday")
    await expect(box).to_have_value("")
    await visitor.running.settle()
    await expect(page.locator("#sms-screen .theirs").last).to_contain_text("Is that right?")
    await expect(page.locator("#sms-screen .theirs").last).to_be_in_viewport()


async def test_half_typed_words_stay_while_messages_come(visitor, page):
    box = page.get_by_label("Answer by SMS")
    await box.press_sequentially("I will")
    await visitor.decide("sms")
    await expect(page.locator("#sms-screen")).to_contain_text("Pay now")
    await box.press_sequentially(" pay")
    await expect(box).to_have_value("I will pay")
    await expect(box).to_be_focused()


async def test_a_chat_is_joined_and_answered_with_a_button(visitor, page):
    async with page.expect_response(lambda answer: answer.request.method == "POST"):
        await page.get_by_role("button", name="Open the invitation").click()
    await visitor.running.settle()
    await page.locator("#telegram-screen").get_by_role("button", name="Name a day").click()
    await expect(page.locator("#telegram-screen")).to_contain_text("You pressed")
    await visitor.running.settle()
    await expect(page.locator("#telegram-screen .theirs").last).to_contain_text("day")
    await expect(page.get_by_label("Write to the bot")).to_be_visible()


async def test_a_mail_is_read_as_it_looks_and_answered(visitor, page):
    await visitor.decide("email")
    framed = page.frame_locator("#email-screen iframe").first
    await expect(framed.locator("body")).to_contain_text("200")
    async with page.context.expect_page() as opened:
        await framed.locator(".act a").click()
    await expect((await opened.value).locator("body")).to_contain_text("200")
    await page.get_by_label("Answer by mail").fill("I'll pay on Friday.")
    await page.get_by_role("button", name="Send by Email").click()
    await expect(page.locator("#email-screen")).to_contain_text("I'll pay on Friday.")
    await visitor.running.settle()
    await expect(page.frame_locator("#email-screen iframe").first.locator("body")).to_contain_text("Is that right?")


async def test_a_call_rings_is_answered_and_keys_go_out_after_a_pause(visitor, page):
    await visitor.decide("voice")
    await page.get_by_role("button", name="Answer", exact=True).click()
    await expect(page.locator("#voice-screen")).to_contain_text("Am I speaking with Ana?")
    await page.get_by_label("Say something").fill("yes, speaking")
    await page.get_by_role("button", name="Say it").click()
    await expect(page.locator("#voice-screen")).to_contain_text("last four digits")
    for key in "1001":
        await page.locator(f'[data-key-of="{key}"]').click()
    await expect(page.get_by_label("Keys", exact=True)).to_have_value("1001")
    await expect(page.locator("#voice-screen")).to_contain_text("200 Romanian lei")
    await page.get_by_role("button", name="Hang up").click()
    await expect(page.locator("#voice-screen")).to_contain_text("the call is over")
    await expect(page.get_by_role("button", name="Call +")).to_be_focused()


async def test_on_a_narrow_screen_one_phone_is_held_at_a_time(visitor, page):
    await page.set_viewport_size({"width": 390, "height": 844})
    await expect(page.locator(".phone:visible")).to_have_count(1)
    await visitor.does("join")
    await page.get_by_role("link", name="Telegram").click()
    await expect(page.locator("#telegram-screen .chat-key").last).to_be_in_viewport()
    await page.get_by_role("link", name="Call").click()
    await expect(page.locator("#voice")).to_be_visible()
    await expect(page.locator(".phone:visible")).to_have_count(1)
    assert await page.evaluate("document.documentElement.scrollWidth") == 390


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_everybody_can_use_them(visitor, page, scheme):
    await page.emulate_media(color_scheme=scheme)
    await visitor.decide("voice")
    await visitor.does("write/sms", words="hello")
    await expect(page.get_by_role("button", name="Answer", exact=True)).to_be_visible()
    for width in (1280, 390):
        await page.set_viewport_size({"width": width, "height": 844})
        found = await Axe().run(page)
        assert found.violations_count == 0, found.generate_report()
