"""How the process serves and what it says of itself: ready before it listens, strict in addresses, discreet in logs."""

from __future__ import annotations

from datetime import datetime

import httpx
import pytest
import structlog
from knocking import open_door

from bot.clock import SimulatedClock
from bot.loop import run
from bot.sandbox import sandbox
from dialogs.reading.model import _InUse
from engine.calendar import AnyHour


async def test_what_replies_are_read_by_is_there_before_the_first_comes(
    database_url: str, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_InUse, "model", None)
    async with sandbox(database_url, SimulatedClock(now), AnyHour(), timezone="Europe/Bucharest"):
        assert _InUse.model is not None


@pytest.mark.parametrize("address", ["/webhooks/twilio/sms/", "/health/", "/api/orders/", "/webhooks/payments/"])
async def test_an_address_with_a_stroke_too_many_is_none(database_url: str, now: datetime, address: str) -> None:
    async with open_door(database_url, now) as (web, _):
        transport = httpx.ASGITransport(web)
        async with httpx.AsyncClient(transport=transport, base_url="http://evil.example") as browser:
            assert (await browser.post(address)).status_code in {404, 405}
            console = await browser.get("/console")
    assert console.headers["location"] == "/console/"


def test_a_fault_is_logged_without_the_values_around_it(capsys: pytest.CaptureFixture[str]) -> None:
    async def work() -> None:
        card = "-".join(["4111"] * 4)
        try:
            raise ValueError(f"a card of {len(card)} characters")
        except ValueError:
            structlog.get_logger().exception("it went wrong", talk=7)

    run(work())
    told = capsys.readouterr()
    assert told.out == ""
    assert "level='error' event='it went wrong' talk=7" in told.err
    assert "ValueError: a card of 19 characters" in told.err
    assert "4111-" not in told.err
