from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import pytest

from channels.buttons import payload_of, read_payload
from channels.incoming_telegram import (
    Blocked,
    LanguageWanted,
    TelegramStart,
    Unreachable,
    read_update,
    update_number,
    waiting_query,
)
from channels.port import CANNOT_TELL, Button, Envelope, Inbound, NotSent, Rejected, Uncertain, Unreached, Unreadable
from channels.sandbox.telegram import TelegramCarrier
from channels.telegram import TelegramChannel, TelegramSettings
from dialogs.message import Choice, Chose, Said, Speech
from engine.contact import Delivery

ANA = "555001"
ATTEMPT = UUID("b7e23ec2-9af1-4c3d-8d2f-0c6d7c3f1a11")
HELLO = Speech(
    "en",
    ("Good morning, Ana & Co.", "You can pay here: https://pay.example/x?a=1&b=2"),
    (Choice("pay_now", "Pay now"), Choice("promise", "Name a day"), Choice("more", "Something else altogether")),
    link="https://pay.example/x?a=1&b=2",
    link_label="Pay now",
)


def envelope(to: str = ANA) -> Envelope:
    return Envelope(ATTEMPT, to, "c0ffee")


@pytest.fixture
async def channel(telegram: TelegramCarrier) -> AsyncIterator[TelegramChannel]:
    opened = TelegramChannel(TelegramSettings("123:sesame", telegram.url, timeout=5))
    yield opened
    await opened.close()


async def test_options_become_buttons_and_the_link_one_that_opens(channel: TelegramChannel) -> None:
    rows = channel.compose(HELLO, envelope()).buttons
    assert [[button.label for button in row] for row in rows] == [
        ["1 Pay now", "2 Name a day"],
        ["3 Something else altogether"],
    ]
    assert rows[0][0] == Button("1 Pay now", url=HELLO.link)
    assert [read_payload(row[-1].payload) for row in rows] == [("promise", ATTEMPT), ("more", ATTEMPT)]


async def test_the_link_has_a_button_of_its_own_where_no_option_is_the_same(channel: TelegramChannel) -> None:
    rows = channel.compose(replace(HELLO, choices=HELLO.choices[1:]), envelope()).buttons
    assert [[button.label for button in row] for row in rows] == [
        ["Pay now"],
        ["1 Name a day"],
        ["2 Something else altogether"],
    ]
    assert rows[0][0] == Button("Pay now", url=HELLO.link)


async def test_what_arrives_is_the_text_without_markup_and_its_buttons(
    channel: TelegramChannel, telegram: TelegramCarrier
) -> None:
    receipt = await channel.send(channel.compose(HELLO, envelope()))
    (sent,) = telegram.sent
    assert sent.text == "Good morning, Ana & Co.\n\nYou can pay here: https://pay.example/x?a=1&b=2"
    assert sent.labels == ("1 Pay now", "2 Name a day", "3 Something else altogether")
    assert (receipt.reference, receipt.state) == (f"{ANA}:{sent.number}", Delivery.DELIVERED)


async def test_an_option_too_long_for_a_button_stands_in_the_text(
    channel: TelegramChannel, telegram: TelegramCarrier
) -> None:
    speech = replace(HELLO, choices=(Choice("x" * 40, "A long way"), Choice("promise", "Name a day")))
    await channel.send(channel.compose(speech, envelope()))
    assert telegram.sent[0].text.endswith("\n\n1 A long way")
    assert telegram.sent[0].labels == ("Pay now", "2 Name a day")


async def test_the_first_sum_is_bold_and_nothing_else_is_markup(channel: TelegramChannel) -> None:
    speech = Speech("en", ("Ana & <b>Co</b>", "5\u00a0USD is due, 5\u00a0USD."), sum="5\u00a0USD")
    html = channel.compose(speech, envelope()).html
    assert html == "Ana &amp; &lt;b&gt;Co&lt;/b&gt;\n\n<b>5\u00a0USD</b> is due, 5\u00a0USD."


@pytest.mark.parametrize("option", ["pay_now", "with:colon", "ї" * 19])
def test_a_payload_comes_back_as_it_was_and_fits(option: str) -> None:
    payload = payload_of(option, ATTEMPT)
    assert 0 < len(payload.encode()) <= 64
    assert read_payload(payload) == (option, ATTEMPT)


@pytest.mark.parametrize("payload", ["", "o", "o:abc:pay", "x:" + "A" * 22 + ":pay", "o:" + "A" * 22 + ":", "o:ї:pay"])
def test_a_payload_not_of_our_making_is_unreadable(payload: str) -> None:
    with pytest.raises(Unreadable):
        read_payload(payload)


async def test_a_text_beyond_the_limit_is_refused_whole_before_it_is_sent(
    channel: TelegramChannel, telegram: TelegramCarrier
) -> None:
    await channel.send(channel.compose(Speech("en", ("&" * 4096,), sum="&" * 9), envelope()))
    with pytest.raises(Rejected) as refused:
        await channel.send(channel.compose(Speech("en", ("😀" * 2049,)), envelope()))
    assert refused.value.code == "too_long"
    assert len(telegram.sent) == 1


@pytest.mark.parametrize(
    ("fate", "code", "dead", "out"), [("blocked", "403", False, True), ("not_found", "400", True, False)]
)
async def test_a_refusal_says_what_it_means(
    channel: TelegramChannel, telegram: TelegramCarrier, fate: str, code: str, dead: bool, out: bool
) -> None:
    telegram.fate(ANA, fate)
    with pytest.raises(Rejected) as refused:
        await channel.send(channel.compose(HELLO, envelope()))
    assert (refused.value.code, refused.value.address_dead, refused.value.opted_out) == (code, dead, out)


async def test_a_429_says_how_long_to_wait(channel: TelegramChannel, telegram: TelegramCarrier) -> None:
    telegram.fate(ANA, "busy")
    with pytest.raises(NotSent) as slow:
        await channel.send(channel.compose(HELLO, envelope()))
    assert slow.value.retry_after == 2.0


async def test_a_500_is_uncertain_and_cannot_be_looked_up(
    channel: TelegramChannel, telegram: TelegramCarrier, now: datetime
) -> None:
    telegram.fate("*", "broken")
    draft = channel.compose(HELLO, envelope())
    with pytest.raises(Uncertain):
        await channel.send(draft)
    assert await channel.find(draft.sought, now) is CANNOT_TELL


async def test_a_wrong_token_says_nothing_of_the_message_and_is_never_told(telegram: TelegramCarrier) -> None:
    channel = TelegramChannel(TelegramSettings("123:guess", telegram.url))
    with pytest.raises(Unreached) as refused:
        await channel.send(channel.compose(HELLO, envelope()))
    assert "guess" not in str(refused.value)
    await channel.close()


async def test_no_connection_is_not_sent_and_the_token_is_not_told() -> None:
    channel = TelegramChannel(TelegramSettings("123:sesame", "http://127.0.0.1:9"))
    with pytest.raises(NotSent) as failed:
        await channel.send(channel.compose(HELLO, envelope()))
    assert "sesame" not in str(failed.value)
    with pytest.raises(Unreachable) as silent:
        await channel.updates(0, 0)
    assert "sesame" not in str(silent.value)
    await channel.close()


async def test_updates_are_polled_in_order_and_dropped_behind_the_offset(
    channel: TelegramChannel, telegram: TelegramCarrier
) -> None:
    for word in ("one", "two"):
        await telegram.answer(ANA, word)
    first, second = await channel.updates(0, 0)
    assert [update_number(one.raw) for one in (first, second)] == [first.number, second.number]
    assert [one.number for one in await channel.updates(second.number, 0)] == [second.number]
    assert await channel.updates(second.number + 1, 0) == []


async def test_a_webhook_takes_over_what_was_waiting_and_ends_polling(
    channel: TelegramChannel, telegram: TelegramCarrier, application: Any
) -> None:
    await telegram.answer(ANA, "before")
    await channel.listen_at(f"{telegram.public_url}/webhooks/telegram", "hush")
    await telegram.answer(ANA, "after")
    await telegram.settle()
    assert [read_update(hook.body).reply for hook in application.webhooks] == [Said("before"), Said("after")]
    assert {hook.headers["X-Telegram-Bot-Api-Secret-Token"] for hook in application.webhooks} == {"hush"}
    with pytest.raises(Unreachable):
        await channel.updates(0, 0)
    await channel.stop_posting()
    assert await channel.updates(0, 0) == []


async def test_a_press_comes_back_with_its_option_and_attempt_and_is_acknowledged(
    channel: TelegramChannel, telegram: TelegramCarrier
) -> None:
    await channel.send(channel.compose(HELLO, envelope()))
    await telegram.press(ANA, "Name a day")
    (update,) = await channel.updates(0, 0)
    pressed = read_update(update.raw)
    assert isinstance(pressed, Inbound)
    assert (pressed.sender, pressed.reply, pressed.attempt) == (ANA, Chose("promise"), ATTEMPT)
    await channel.acknowledge(waiting_query(update.raw))
    assert telegram.acknowledged == [waiting_query(update.raw)]


async def test_what_people_do_is_read(channel: TelegramChannel, telegram: TelegramCarrier) -> None:
    telegram.speaks(ANA, "uk")
    await telegram.open(ANA, "t0ken")
    await telegram.open(ANA)
    await telegram.answer(ANA, "/lang ro")
    await telegram.answer(ANA, "/stop")
    await telegram.block(ANA)
    await telegram.unblock(ANA)
    await telegram.share_contact(ANA, "+40712345678", ANA)
    await telegram.share_contact(ANA, "+40712345678", "555002")
    start, plain, lang, stop, blocked, unblocked, own, other = [
        read_update(update.raw) for update in await channel.updates(0, 0)
    ]
    assert isinstance(start, TelegramStart)
    assert (start.chat, start.token, start.language) == (ANA, "t0ken", "uk")
    assert plain == TelegramStart(plain.event, ANA, "", "uk")
    assert lang == LanguageWanted(lang.event, ANA, "ro", "uk")
    assert stop.reply == Said("/stop")
    assert blocked == Blocked(blocked.event, ANA)
    assert own.reply == Said("+40712345678")
    assert (unblocked, other) == (None, None)


def update(**message: Any) -> bytes:
    chat, person = {"id": 5, "type": "private"}, {"id": 5, "is_bot": False, "first_name": "Ana"}
    return json.dumps(
        {"update_id": 7, "message": {"message_id": 1, "date": 1, "chat": chat, "from": person} | message}
    ).encode()


def test_a_photograph_is_a_reply_without_words_and_a_pin_is_none() -> None:
    assert read_update(update(photo=[{"file_id": "x"}])).reply == Said("")
    assert read_update(update(photo=[], caption="paid")).reply == Said("paid")
    assert read_update(update(pinned_message={})) is None


def test_groups_and_channels_are_not_listened_to() -> None:
    assert read_update(update(chat={"id": -5, "type": "supergroup"}, text="hi")) is None
    assert read_update(b'{"update_id": 7, "channel_post": {}}') is None


def test_another_bot_is_automatic() -> None:
    assert read_update(update(**{"from": {"id": 6, "is_bot": True}}, text="hi\0")).automatic


@pytest.mark.parametrize("raw", [b"", b"[]", b'{"message": {}}', b'{"update_id": 1, "message": {"chat": 3}}', b"\xff"])
def test_what_is_no_update_is_unreadable(raw: bytes) -> None:
    with pytest.raises(Unreadable):
        read_update(raw)


async def test_each_send_has_an_attempt_of_its_own(channel: TelegramChannel) -> None:
    one, other = (channel.compose(HELLO, replace(envelope(), attempt=uuid4())) for _ in range(2))
    assert one.buttons[1][0].payload != other.buttons[1][0].payload
    assert one.body == other.body
