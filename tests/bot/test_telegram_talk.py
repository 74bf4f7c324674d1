from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from given import given_client, given_invoice, given_plans
from sqlalchemy import func, select

from bot.clock import SimulatedClock
from bot.linking import deep_link
from bot.polling import poll_once
from bot.sandbox import Sandbox, sandbox
from channels.sandbox.chat import SentChat
from channels.sandbox.telegram import TelegramCarrier
from channels.telegram import TelegramChannel, TelegramSettings
from engine.calendar import AnyHour
from engine.contact import Delivery
from engine.store.session import Database
from engine.store.tables.ledger import Promise
from engine.store.tables.linking import TelegramLink
from engine.store.tables.portfolio import Address, Client
from engine.store.tables.talk import Conversation, InboxEvent, InboxState, MessageRow, Outbound, Owner

ANA, STRANGER = "555001", "555009"


@pytest.fixture
def clock(now: datetime) -> SimulatedClock:
    return SimulatedClock(now)


@pytest.fixture
async def running(database_url: str, clock: SimulatedClock) -> AsyncIterator[Sandbox]:
    async with sandbox(database_url, clock, AnyHour(), timezone="Europe/Bucharest") as application:
        yield application


@pytest.fixture
async def telegram(running: Sandbox) -> TelegramCarrier:
    return running.carriers.telegram


@pytest.fixture
async def ana(database: Database, now: datetime) -> int:
    async with database.write() as session:
        await given_plans(session)
        client = await given_client(session, "ana", sms="+40700000001")
        await given_invoice(session, client, "I1", "120", (now - timedelta(days=30)).date())
    return client


async def link(running: Sandbox, client: int) -> str:
    """The token of a fresh deep link."""
    app = running.wired.app
    async with app.database.write() as session:
        address = await deep_link(session, client, running.settings.telegram_bot_name, app.clock())
    base, _, token = address.partition("?start=")
    assert base == "https://t.me/AmiableSandboxBot"
    return token


async def linked(running: Sandbox, client: int, chat: str = ANA) -> None:
    await running.carriers.telegram.open(chat, await link(running, client))
    await running.settle()


async def rows(database: Database, statement: Any) -> list[Any]:
    async with database.read() as session:
        return list(await session.scalars(statement))


async def test_a_deep_link_joins_the_chat_and_greets_in_the_clients_language(
    running: Sandbox, database: Database, telegram: TelegramCarrier, ana: int
) -> None:
    await linked(running, ana)
    (greeting,) = telegram.sent
    assert greeting.chat == ANA
    assert greeting.text.startswith("Bună ziua.")
    assert "2 Aleg o zi" in greeting.labels
    assert "120" not in greeting.text
    (address,) = await rows(database, select(Address).where(Address.channel == "telegram"))
    assert (address.client_id, address.sealed) == (ana, ANA)
    (talk,) = await rows(database, select(Conversation))
    assert (talk.script, talk.channel) == ("inbound", "telegram")
    assert await rows(database, select(Outbound.state)) == [Delivery.DELIVERED]


async def test_a_promise_is_made_with_buttons_and_words(
    running: Sandbox, database: Database, telegram: TelegramCarrier, ana: int
) -> None:
    await linked(running, ana)
    await telegram.press(ANA, "Aleg o zi")
    await running.settle()
    await telegram.answer(ANA, "vineri")
    await running.settle()
    assert "120\N{NO-BREAK SPACE}lei" in telegram.sent[-1].text
    await telegram.press(ANA, "Da, este corect")
    await running.settle()
    (promise,) = await rows(database, select(Promise))
    assert (promise.client_id, promise.amount, promise.state) == (ana, 12000, "open")
    assert len(telegram.acknowledged) == 2
    assert await rows(database, select(InboxEvent.state).distinct()) == [InboxState.DONE]


async def test_a_link_opens_once_and_not_after_a_week(
    running: Sandbox, database: Database, telegram: TelegramCarrier, ana: int, clock: SimulatedClock
) -> None:
    used, late = await link(running, ana), await link(running, ana)
    await telegram.open(ANA, used)
    await running.settle()
    await telegram.open(STRANGER, used)
    await running.settle()
    clock.advance(clock() + timedelta(days=7))
    await telegram.open(STRANGER, late)
    await running.settle()
    assert await rows(database, select(Address.sealed).where(Address.channel == "telegram")) == [ANA]
    assert [sent.text.split(".")[0] for sent in telegram.sent if sent.chat == STRANGER] == ["Hello"] * 2


async def test_the_store_keeps_no_token(running: Sandbox, database: Database, ana: int) -> None:
    token = await link(running, ana)
    (kept,) = await rows(database, select(TelegramLink.digest))
    assert token.encode() not in kept
    assert len(kept) == 32


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", "open the link"),
        ("ro", "deschideți linkul"),
        ("uk", "відкрийте посилання"),
        ("ru-RU", "откройте ссылку"),
        ("fr", "open the link"),
    ],
)
async def test_a_stranger_gets_one_neutral_answer_in_their_language(
    running: Sandbox, database: Database, telegram: TelegramCarrier, ana: int, language: str, words: str
) -> None:
    telegram.speaks(STRANGER, language)
    await telegram.open(STRANGER)
    await telegram.answer(STRANGER, "how much do I owe?")
    await running.settle()
    (answer,) = telegram.sent
    assert words in answer.text
    assert "Acme" not in answer.text
    assert answer.buttons == ()
    assert await rows(database, select(Conversation)) == []


async def test_blocking_is_an_opt_out_that_unblocking_does_not_undo(
    running: Sandbox, database: Database, telegram: TelegramCarrier, ana: int
) -> None:
    await linked(running, ana)
    await telegram.block(ANA)
    await telegram.unblock(ANA)
    await running.settle()
    assert await opted_out(database, ana) == {"telegram"}


async def test_a_start_after_a_stop_is_consent_confirmed_once(
    running: Sandbox, database: Database, telegram: TelegramCarrier, ana: int
) -> None:
    await linked(running, ana)
    await telegram.answer(ANA, "/stop")
    await running.settle()
    assert await opted_out(database, ana) == {"telegram"}
    before = len(telegram.sent)
    await telegram.open(ANA)
    await running.settle()
    assert [sent.text.split(".")[0] for sent in telegram.sent[before:]] == ["Vă mulțumim"]
    assert await opted_out(database, ana) == set()


async def opted_out(database: Database, client: int) -> set[str]:
    statement = select(Address.channel).where(Address.client_id == client, Address.opted_out_at.is_not(None))
    return set(await rows(database, statement))


async def test_a_chat_that_is_blocked_when_we_write_is_an_opt_out_too(
    running: Sandbox, database: Database, telegram: TelegramCarrier, ana: int
) -> None:
    await linked(running, ana)
    telegram.fate(ANA, "blocked")
    await telegram.answer(ANA, "cât am de plată?")
    await running.settle()
    assert await opted_out(database, ana) == {"telegram"}


async def test_a_pressed_button_proves_that_its_lost_message_arrived(
    running: Sandbox, database: Database, telegram: TelegramCarrier, ana: int
) -> None:
    telegram.fate(ANA, "lost")
    await linked(running, ana)
    assert await rows(database, select(Outbound.state)) == [Delivery.UNKNOWN]
    await telegram.press(ANA, "Aleg o zi")
    await running.settle()
    assert Delivery.READ in await rows(database, select(Outbound.state).order_by(Outbound.id))
    assert "vineri" in telegram.sent[-1].text


async def test_an_old_button_goes_on_with_its_own_talk(
    running: Sandbox, database: Database, telegram: TelegramCarrier, ana: int
) -> None:
    await linked(running, ana)
    first = telegram.sent[0].button("Aleg o zi")
    await telegram.open(ANA)
    await running.settle()
    older, newer = await rows(database, select(Conversation.id).order_by(Conversation.id))
    assert first is not None
    await telegram.press(ANA, first.payload)
    await running.settle()
    pressed = select(MessageRow.conversation_id).where(MessageRow.author == "client")
    assert await rows(database, pressed) == [older]
    assert newer != older


async def test_a_button_of_somebody_elses_message_does_not_enter_their_talk(
    running: Sandbox, database: Database, telegram: TelegramCarrier, ana: int
) -> None:
    await linked(running, ana)
    stolen = telegram.sent[0].button("Aleg o zi")
    assert stolen is not None
    telegram.sent.append(SentChat(STRANGER, 1, "forged", ((stolen,),), running.wired.app.clock()))
    await telegram.press(STRANGER, stolen.payload)
    await running.settle()
    assert await rows(database, select(MessageRow).where(MessageRow.author == "client")) == []
    assert await rows(database, select(Outbound.state)) == [Delivery.DELIVERED]


async def test_an_edited_answer_counts_while_its_question_is_open_and_not_afterwards(
    running: Sandbox, database: Database, telegram: TelegramCarrier, ana: int
) -> None:
    await linked(running, ana)
    await telegram.press(ANA, "Aleg o zi")
    await telegram.answer(ANA, "vieri")
    await running.settle()
    await telegram.edit(ANA, "vineri")
    await running.settle()
    assert "13 martie" in telegram.sent[-1].text
    await telegram.answer(ANA, "da")
    await running.settle()
    told = len(telegram.sent)
    await telegram.edit(ANA, "nu")
    await running.settle()
    assert len(telegram.sent) == told
    assert await rows(database, select(Promise.state)) == ["open"]
    await telegram.edit(ANA, "/stop")
    await running.settle()
    assert await opted_out(database, ana) == {"telegram"}, "a stop counts however it is said"


async def test_languages_are_offered_and_taken(
    running: Sandbox, database: Database, telegram: TelegramCarrier, ana: int
) -> None:
    await linked(running, ana)
    await telegram.answer(ANA, "/lang")
    await running.settle()
    assert telegram.sent[-1].labels == ("1 English", "2 Română", "3 Українська", "4 Русский")
    await telegram.press(ANA, "Українська")
    await running.settle()
    assert await rows(database, select(Client.language)) == ["uk"]
    await telegram.answer(ANA, "/lang en")
    await running.settle()
    assert await rows(database, select(Client.language)) == ["en"]
    assert "How can we help you?" in telegram.sent[-1].text or "1 Pay now" in telegram.sent[-1].labels


async def test_a_start_in_a_talk_held_by_a_person_stays_with_the_person(
    running: Sandbox, database: Database, telegram: TelegramCarrier, ana: int
) -> None:
    await linked(running, ana)
    await telegram.answer(ANA, "operator")
    await running.settle()
    before = len(telegram.sent)
    await telegram.open(ANA)
    await running.settle()
    assert len(telegram.sent) == before
    talks = select(Conversation.owner).where(Conversation.channel == "telegram")
    assert await rows(database, talks) == [Owner.WAITING]


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({}, b"{}", 403),
        ({"X-Telegram-Bot-Api-Secret-Token": "guess"}, b"{}", 403),
        ({"X-Telegram-Bot-Api-Secret-Token": "păss"}, b"{}", 403),
        ({"X-Telegram-Bot-Api-Secret-Token": "", "Content-Type": "text/plain"}, b"{}", 415),
        ({"X-Telegram-Bot-Api-Secret-Token": ""}, b"{}", 400),
        ({"X-Telegram-Bot-Api-Secret-Token": ""}, b" " * (1024 * 1024 + 1), 413),
    ],
)
async def test_a_webhook_that_is_not_telegrams_leaves_no_row(
    running: Sandbox, database: Database, headers: dict[str, str], body: bytes, status: int
) -> None:
    secret = running.settings.telegram_webhook_secret.get_secret_value()
    sent = {"Content-Type": "application/json"} | {name: value or secret for name, value in headers.items()}
    encoded = {name: value.encode() for name, value in sent.items()}
    async with httpx.AsyncClient() as client:
        answer = await client.post(f"{running.settings.public_url}/webhooks/telegram", content=body, headers=encoded)
    assert answer.status_code == status
    assert await rows(database, select(InboxEvent)) == []


async def test_an_update_posted_twice_is_handled_once(
    running: Sandbox, database: Database, telegram: TelegramCarrier, ana: int
) -> None:
    await linked(running, ana)
    secret = running.settings.telegram_webhook_secret.get_secret_value()
    (raw,) = await rows(database, select(InboxEvent.raw))
    async with httpx.AsyncClient() as client:
        answer = await client.post(
            f"{running.settings.public_url}/webhooks/telegram",
            content=raw,
            headers={"Content-Type": "application/json", "X-Telegram-Bot-Api-Secret-Token": secret},
        )
    assert answer.status_code == 200
    await running.settle()
    assert len(telegram.sent) == 1
    assert json.loads(raw)["message"]["text"].startswith("/start ")


async def test_polling_moves_on_only_behind_what_is_stored(
    running: Sandbox, database: Database, telegram: TelegramCarrier, ana: int
) -> None:
    app, channel = running.wired.app, polled(running)
    await channel.stop_posting()
    await telegram.answer(STRANGER, "one")
    offset = await poll_once(app, channel, 0)
    await telegram.answer(STRANGER, "two")
    again = await poll_once(app, channel, 0)
    assert again == offset + 1
    assert await poll_once(app, channel, again) == again
    assert await rows(database, select(func.count()).select_from(InboxEvent)) == [2]
    await channel.close()


def polled(running: Sandbox) -> TelegramChannel:
    settings = running.settings
    return TelegramChannel(TelegramSettings(settings.telegram_token.get_secret_value(), settings.telegram_api_url))
