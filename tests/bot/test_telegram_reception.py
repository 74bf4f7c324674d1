from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import select

from bot.clock import SimulatedClock
from bot.polling import Reception, receiving
from bot.sandbox import Sandbox, sandbox
from bot.settings import BadSettings, Settings, load_settings
from channels.sandbox.telegram import TelegramCarrier
from channels.telegram import TelegramChannel, TelegramSettings
from engine.calendar import AnyHour
from engine.store.session import Database
from engine.store.tables.talk import InboxEvent

ANA = "555001"
DEPLOYMENT = {
    "TWILIO_ACCOUNT_SID": "AC1",
    "TWILIO_AUTH_TOKEN": "t",
    "TWILIO_NUMBER": "+12025550100",
    "SMTP_URL": "smtp://127.0.0.1:25",
    "MAIL_DOMAIN": "acme.example",
    "PAYMENTS_URL": "http://127.0.0.1:9",
    "PAYMENTS_KEY": "k",
    "PAYMENTS_WEBHOOK_SECRET": "s",
}


@pytest.fixture
async def running(database_url: str, now: datetime) -> AsyncIterator[Sandbox]:
    async with sandbox(database_url, SimulatedClock(now), AnyHour(), timezone="Europe/Bucharest") as application:
        yield application


@pytest.fixture
async def bot(running: Sandbox) -> AsyncIterator[TelegramChannel]:
    settings = running.settings
    channel = TelegramChannel(TelegramSettings(settings.telegram_token.get_secret_value(), settings.telegram_api_url))
    yield channel
    await channel.close()


async def stored(database: Database, wanted: int) -> list[bytes]:
    """What the inbox holds, once it holds that much."""
    raw: list[bytes] = []
    async with asyncio.timeout(30):
        while len(raw) < wanted:
            await asyncio.sleep(0.02)
            async with database.read() as session:
                raw = list(await session.scalars(select(InboxEvent.raw).order_by(InboxEvent.id)))
    return raw


async def test_without_a_public_address_updates_are_polled(
    running: Sandbox, database: Database, bot: TelegramChannel
) -> None:
    telegram: TelegramCarrier = running.carriers.telegram
    async with receiving(running.wired.app, Reception(bot, "")):
        await telegram.answer(ANA, "one")
        await stored(database, 1)
        await telegram.answer(ANA, "two")
        first, second = await stored(database, 2)
    assert b'"one"' in first
    assert b'"two"' in second


async def test_a_telegram_that_cannot_be_reached_stops_nothing(running: Sandbox, database: Database) -> None:
    deaf = TelegramChannel(TelegramSettings("123:sesame", "http://127.0.0.1:9"))
    async with receiving(running.wired.app, Reception(deaf, "hush")):
        await running.carriers.telegram.answer(ANA, "still here")
        assert len(await stored(database, 1)) == 1
    async with receiving(running.wired.app, Reception(deaf, "")):
        await running.carriers.telegram.answer(ANA, "and here")
        assert len(await stored(database, 2)) == 2
    await deaf.close()


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> pytest.MonkeyPatch:
    monkeypatch.chdir(tmp_path)
    for name, value in DEPLOYMENT.items():
        monkeypatch.setenv(f"AMIABLE_{name}", value)
    return monkeypatch


def test_telegram_is_off_without_a_token(environment: pytest.MonkeyPatch) -> None:
    assert load_settings(Settings).telegram_token.get_secret_value() == ""


@pytest.mark.parametrize(
    ("named", "fault"),
    [
        ({"TOKEN": "123:abc"}, "AMIABLE_TELEGRAM_WEBHOOK_SECRET"),
        ({"TOKEN": "123:abc", "WEBHOOK_SECRET": "with space"}, "AMIABLE_TELEGRAM_WEBHOOK_SECRET"),
        ({"TOKEN": "abc", "POLLING": "true"}, "AMIABLE_TELEGRAM_TOKEN"),
    ],
)
def test_a_webhook_open_to_everybody_is_refused(
    environment: pytest.MonkeyPatch, named: dict[str, str], fault: str
) -> None:
    for name, value in named.items():
        environment.setenv(f"AMIABLE_TELEGRAM_{name}", value)
    with pytest.raises(BadSettings, match=fault):
        load_settings(Settings)


def test_polling_needs_no_secret(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("AMIABLE_TELEGRAM_TOKEN", "123:abc")
    environment.setenv("AMIABLE_TELEGRAM_POLLING", "true")
    assert load_settings(Settings).telegram_polling
