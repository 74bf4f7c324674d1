from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from aiohttp import web

from channels.port import (
    Busy,
    Envelope,
    LookupFailed,
    NotSent,
    Rejected,
    StatusReport,
    Uncertain,
    Unreached,
    Unreadable,
)
from channels.sandbox.twilio import TwilioCarrier
from channels.sms import SmsChannel, SmsSettings, read_sms, read_status
from dialogs.message import Choice, Said, Speech
from engine.contact import Delivery

ANA = "+40712345678"
HELLO = Speech("ro", ("Bună, Ana. Aveți de plată 300\u00a0RON.",), (Choice("pay", "Plătesc"),))


def settings(carrier: TwilioCarrier) -> SmsSettings:
    return SmsSettings("AC1", "sesame", "+40312345678", carrier.public_url + "/", api_url=carrier.url + "/")


def envelope() -> Envelope:
    return Envelope(uuid4(), ANA, "c0ffee")


async def test_the_attempt_is_in_the_address_twilio_reports_to(twilio: TwilioCarrier) -> None:
    channel = SmsChannel(settings(twilio))
    sent = channel.compose(HELLO, envelope())
    receipt = await channel.send(sent)
    assert twilio.sent[0].callback == f"/webhooks/twilio/status/{sent.attempt}"
    assert twilio.sent[0].sid == receipt.reference
    await channel.close()


async def test_edge_and_region_of_the_environment_change_nothing(
    twilio: TwilioCarrier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TWILIO_EDGE", "dublin")
    monkeypatch.setenv("TWILIO_REGION", "ie1")
    channel = SmsChannel(settings(twilio))
    await channel.send(channel.compose(HELLO, envelope()))
    assert len(twilio.sent) == 1
    await channel.close()


async def test_a_messaging_service_and_a_validity_are_passed_on(asked: list[dict[str, str]], service: str) -> None:
    channel = SmsChannel(SmsSettings("AC1", "sesame", "MG123", "https://bot.example", api_url=service, validity=3600))
    with pytest.raises(Uncertain):
        await channel.send(channel.compose(HELLO, envelope()))
    assert asked[0]["MessagingServiceSid"] == "MG123"
    assert asked[0]["ValidityPeriod"] == "3600"
    assert "From" not in asked[0]
    await channel.close()


@pytest.fixture
def asked() -> list[dict[str, str]]:
    return []


@pytest.fixture
async def service(asked: list[dict[str, str]]) -> Any:
    """A carrier gone mad: it answers the first request with 200 and no JSON, and no other one."""

    async def answer(request: web.Request) -> web.Response:
        asked.append({name: str(value) for name, value in (await request.post()).items()})
        if len(asked) > 1:
            await asyncio.sleep(60)
        return web.Response(text="<html>")

    app = web.Application()
    app.add_routes([web.route("*", "/{path:.*}", answer)])
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


async def test_silence_after_the_request_is_uncertain(asked: list[dict[str, str]], service: str) -> None:
    channel = SmsChannel(SmsSettings("AC1", "t", ANA, "https://bot.example", api_url=service, read_timeout=0.1))
    for _ in range(2):
        with pytest.raises(Uncertain):
            await channel.send(channel.compose(HELLO, envelope()))
    assert len(asked) == 2
    await channel.close()


async def test_a_refused_connection_is_not_sent(now: datetime) -> None:
    channel = SmsChannel(SmsSettings("AC1", "t", ANA, "https://bot.example", api_url="http://127.0.0.1:9"))
    draft = channel.compose(HELLO, envelope())
    with pytest.raises(NotSent):
        await channel.send(draft)
    with pytest.raises(LookupFailed):
        await channel.find(draft.sought, now)
    await channel.close()


async def test_nobody_waits_for_a_connection_while_the_clock_of_the_send_runs() -> None:
    many, together = 120, asyncio.Event()
    come: list[web.Request] = []

    async def all_at_once(request: web.Request) -> web.Response:
        come.append(request)
        if len(come) == many:
            together.set()
        await together.wait()
        return web.json_response({"sid": f"SM{len(come)}"}, status=201)

    app = web.Application()
    app.add_routes([web.route("*", "/{path:.*}", all_at_once)])
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    channel = SmsChannel(SmsSettings("AC1", "t", ANA, "https://bot.example", api_url=url))
    receipts = await asyncio.gather(*(channel.send(channel.compose(HELLO, envelope())) for _ in range(many)))
    assert len(receipts) == many
    await channel.close()
    await runner.cleanup()


async def test_a_429_says_how_long_to_wait(twilio: TwilioCarrier) -> None:
    twilio.fate(ANA, "busy")
    channel = SmsChannel(settings(twilio))
    with pytest.raises(Busy) as slow:
        await channel.send(channel.compose(HELLO, envelope()))
    assert slow.value.retry_after == 1.0
    await channel.close()


async def test_a_500_is_uncertain(twilio: TwilioCarrier) -> None:
    twilio.fate("*", "broken")
    channel = SmsChannel(settings(twilio))
    with pytest.raises(Uncertain):
        await channel.send(channel.compose(HELLO, envelope()))
    await channel.close()


async def test_a_late_answer_is_uncertain_and_found_once_taken(twilio: TwilioCarrier, now: datetime) -> None:
    twilio.fate(ANA, "late", delay=1.0)
    channel, impatient = SmsChannel(settings(twilio)), SmsChannel(replace(settings(twilio), read_timeout=0.1))
    draft = channel.compose(HELLO, envelope())
    with pytest.raises(Uncertain):
        await impatient.send(draft)
    await impatient.close()
    assert await channel.find(draft.sought, now) is None
    assert not twilio.quiet()
    await twilio.settle()
    found = await channel.find(draft.sought, now)
    assert found is not None
    await channel.close()


@pytest.mark.parametrize(
    ("code", "dead", "out"),
    [("21211", True, False), ("21635", True, False), ("21610", False, True), ("21408", False, False)],
)
async def test_a_refusal_says_what_it_means(twilio: TwilioCarrier, code: str, dead: bool, out: bool) -> None:
    twilio.fate(ANA, "refused", code)
    channel = SmsChannel(settings(twilio))
    with pytest.raises(Rejected) as refused:
        await channel.send(channel.compose(HELLO, envelope()))
    assert (refused.value.code, refused.value.address_dead, refused.value.opted_out) == (code, dead, out)
    await channel.close()


async def test_a_full_queue_is_not_a_refusal_for_good(twilio: TwilioCarrier) -> None:
    twilio.fate(ANA, "refused", "21611")
    channel = SmsChannel(settings(twilio))
    with pytest.raises(NotSent):
        await channel.send(channel.compose(HELLO, envelope()))
    await channel.close()


async def test_a_wrong_token_says_nothing_of_the_message(twilio: TwilioCarrier) -> None:
    channel = SmsChannel(replace(settings(twilio), auth_token="guess"))
    with pytest.raises(Unreached):
        await channel.send(channel.compose(HELLO, envelope()))
    await channel.close()


async def test_an_endless_text_is_rejected(twilio: TwilioCarrier) -> None:
    channel = SmsChannel(settings(twilio))
    with pytest.raises(Rejected) as refused:
        await channel.send(channel.compose(Speech("en", ("a" * 1601,)), envelope()))
    assert refused.value.code == "21617"
    assert not refused.value.address_dead
    await channel.close()


async def test_letters_are_plain_by_setting_in_that_language_and_where_it_is_cheaper(twilio: TwilioCarrier) -> None:
    channel = SmsChannel(replace(settings(twilio), plain=frozenset({"ro"})))
    long = replace(HELLO, paragraphs=("Bună, Ana. Aveți de plată 300 RON. Le puteți achita oricând, și în rate.",))
    assert channel.compose(long, envelope()).body.startswith("Buna, Ana. Aveti de plata 300 RON.")
    assert channel.compose(HELLO, envelope()).body.startswith("Bună")
    assert channel.compose(replace(long, language="fr"), envelope()).body.startswith("Bună")
    await channel.close()


def test_an_inbound_form_becomes_a_reply() -> None:
    inbound = read_sms({"MessageSid": "SM1", "From": ANA, "Body": "плачу\0 завтра"})
    assert (inbound.event, inbound.sender, inbound.reply) == ("SM1", ANA, Said("плачу завтра"))


@pytest.mark.parametrize("form", [{}, {"MessageSid": "SM1"}, {"From": ANA, "Body": "1"}])
def test_an_inbound_form_without_its_fields_is_unreadable(form: dict[str, str]) -> None:
    with pytest.raises(Unreadable):
        read_sms(form)


def status(name: str, code: str = "") -> StatusReport:
    return read_status({"MessageSid": "SM1", "MessageStatus": name, "ErrorCode": code}, None)


def test_statuses_are_read_with_their_codes() -> None:
    assert status("queued").state is Delivery.ACCEPTED
    assert status("delivered").state is Delivery.DELIVERED
    assert status("failed", "30036").state is Delivery.EXPIRED
    assert status("undelivered", "30003") == replace(
        status("undelivered", "30006"), code="30003", address_dead=False, event="SM1:undelivered"
    )
    assert status("undelivered", "30006").address_dead
    assert status("failed", "21610").opted_out


@pytest.mark.parametrize("name", ["", "exploded"])
def test_an_unknown_status_is_unreadable(name: str) -> None:
    with pytest.raises(Unreadable):
        status(name)


async def test_the_records_of_both_directions_come_newest_first_a_page_a_request(
    twilio: TwilioCarrier, now: datetime
) -> None:
    twilio.most_listed = 2
    channel = SmsChannel(settings(twilio))
    sent = await channel.send(channel.compose(HELLO, envelope()))
    told = [await twilio.answer(ANA, words) for words in ("one", "two")]
    pages = [page async for page in channel.records(now - timedelta(minutes=1))]
    assert [len(page) for page in pages] == [2, 1]
    records = [record for page in pages for record in page]
    assert {record.reference for record in records if record.ours} == {sent.reference}
    assert {record.event for record in records if not record.ours} == set(told)
    assert {(record.person, record.sender) for record in records} == {(ANA, "+40312345678")}
    await channel.close()


async def test_what_is_older_or_anothers_is_no_record_of_ours(twilio: TwilioCarrier, now: datetime) -> None:
    channel = SmsChannel(settings(twilio))
    await channel.send(channel.compose(HELLO, envelope()))
    await twilio.answer(ANA, "hello", to="+40399999999")
    assert [len(page) async for page in channel.records(now)] == [1]
    assert [len(page) async for page in channel.records(now + timedelta(seconds=1))] == [0]
    await channel.close()
