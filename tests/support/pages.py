"""Pages of a real browser that may not complain: an error or a warning on their console fails the test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from playwright.async_api import Browser, Page

# Chromium says this of a page that is left while its socket still connects: a visitor's haste, no fault of the page.
LEFT_EARLY = "WebSocket is closed before the connection is established"


@asynccontextmanager
async def quiet_page(
    browser: Browser, url: str, *, cookies: Mapping[str, str] | None = None, pardoned: tuple[str, ...] = ()
) -> AsyncIterator[Page]:
    """A page of its own visitor on the site at `url`; `pardoned` are parts of complaints the test brings about."""
    # Without motion: a colour on its way from one look to the other has the contrast of neither.
    context = await browser.new_context(base_url=url, viewport={"width": 1280, "height": 800}, reduced_motion="reduce")
    await context.add_cookies([{"name": name, "value": value, "url": url} for name, value in (cookies or {}).items()])
    page = await context.new_page()
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    await context.close()
    assert [said for said in complaints if not any(part in said for part in (LEFT_EARLY, *pardoned))] == []
