from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from channels.incoming_telegram import Blocked, read_update
from channels.sandbox.chat import BadMarkup, plain
from channels.sandbox.telegram import TelegramCarrier
from dialogs.message import Said

ANA = "555001"


async def call(carrier: TelegramCarrier, method: str, **form: str) -> Any:
    async with httpx.AsyncClient() as client:
        answer = await client.post(f"{carrier.url}/bot123:sesame/{method}", data=form)
    return answer.json() | {"status": answer.status_code}


async def test_it_knows_its_bot_and_its_webhook(telegram: TelegramCarrier) -> None:
    assert (await call(telegram, "getMe"))["result"]["username"] == "AcmeBot"
    await telegram.answer(ANA, "hello")
    assert (await call(telegram, "getWebhookInfo"))["result"]["pending_update_count"] == 1
    assert (await call(telegram, "getWings"))["status"] == 404


def keyboard(**button: str) -> str:
    return json.dumps({"inline_keyboard": [[{"text": "Pay", **button}]]})


@pytest.mark.parametrize(
    ("form", "told"),
    [
        ({"text": ""}, "text is empty"),
        ({"text": "a" * 4097}, "too long"),
        ({"text": "a < b", "parse_mode": "HTML", "chat_id": "nobody"}, "chat not found"),
        ({"text": "<div>a</div>", "parse_mode": "HTML"}, "can't parse entities"),
        ({"text": "a", "reply_markup": keyboard(callback_data="x" * 65)}, "BUTTON_DATA_INVALID"),
        ({"text": "a", "reply_markup": keyboard()}, "BUTTON_DATA_INVALID"),
    ],
)
async def test_it_refuses_what_telegram_refuses(telegram: TelegramCarrier, form: dict[str, str], told: str) -> None:
    answer = await call(telegram, "sendMessage", **({"chat_id": ANA} | form))
    assert (answer["ok"], answer["status"]) == (False, 400)
    assert told in answer["description"]
    assert telegram.sent == []


async def test_a_person_who_blocked_the_bot_is_not_written_to(telegram: TelegramCarrier) -> None:
    await telegram.block(ANA)
    assert (await call(telegram, "sendMessage", chat_id=ANA, text="hello"))["status"] == 403
    await telegram.unblock(ANA)
    assert (await call(telegram, "sendMessage", chat_id=ANA, text="hello"))["status"] == 200


async def test_a_button_that_is_not_there_cannot_be_pressed(telegram: TelegramCarrier) -> None:
    markup = json.dumps({"inline_keyboard": [[{"text": "Open", "url": "https://pay.example"}]]})
    await call(telegram, "sendMessage", chat_id=ANA, text="hello", reply_markup=markup)
    for wanted in ("Open", "Close"):
        with pytest.raises(LookupError):
            await telegram.press(ANA, wanted)


async def test_a_restart_forgets_neither_messages_nor_blocks_nor_what_it_owes(
    application: Any, now: datetime, tmp_path: Path
) -> None:
    def carrier() -> TelegramCarrier:
        where = tmp_path / "telegram.jsonl"
        return TelegramCarrier(
            token="123:sesame", name="AcmeBot", now=lambda: now, public_url=application.url, journal=where
        )

    first = carrier()
    await first.start()
    await call(first, "sendMessage", chat_id=ANA, text="hello", reply_markup=keyboard(callback_data="p"))
    await call(first, "setWebhook", url=f"{application.url}/webhooks/telegram", secret_token="hush")
    application.refusing = 1000
    await first.answer(ANA, "are you there?")
    await first.block(ANA)
    await first.stop()
    application.refusing = 0

    second = carrier()
    await second.start()
    await second.settle()
    assert second.sent == first.sent
    assert [type(read_update(hook.body)) for hook in application.webhooks][1] is Blocked
    assert read_update(application.webhooks[0].body).reply == Said("are you there?")
    assert (await call(second, "sendMessage", chat_id=ANA, text="hello"))["status"] == 403
    await second.stop()


def test_markup_is_read_as_telegram_reads_it() -> None:
    assert plain('<b>a</b> &lt;c&gt; <a href="https://x">d</a> &amp; e') == "a <c> d & e"
    for wrong in ("<b>open", "a</b>", "<b><i>a</b></i>", "<br>"):
        with pytest.raises(BadMarkup):
            plain(wrong)
