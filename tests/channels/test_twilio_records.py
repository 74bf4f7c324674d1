"""What Twilio lists is not always what its pages promise, and not all of it is ours."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from uuid import UUID

import pytest
from aiohttp import web

from channels.port import LookupFailed, Record, Sought, Unreadable, digest
from channels.sms import SmsChannel, SmsSettings
from channels.voice import VoiceChannel, VoiceSettings

ANA, OURS = "+40712345678", "+40312345678"
NOON = datetime(2026, 3, 11, 12, 0, tzinfo=UTC)
MESSAGE = {"from": OURS, "to": ANA, "body": "hello", "status": "delivered", "direction": "outbound-api"}
CALL = {"from": OURS, "to": ANA, "status": "failed", "direction": "outbound-api"}


def said(at: datetime) -> str:
    return format_datetime(at)


def listed(kind: str, *resources: Mapping[str, object]) -> AbstractAsyncContextManager[str]:
    """A carrier that lists these, whatever it is asked."""
    page = {kind: resources, "page": 0, "page_size": 50, "next_page_uri": None}
    return answering(lambda: web.json_response(page))


@asynccontextmanager
async def answering(say: Callable[[], web.Response]) -> AsyncIterator[str]:
    async def answer(_: web.Request) -> web.Response:
        return say()

    app = web.Application()
    app.add_routes([web.get("/{path:.*}", answer)])
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


async def messages(*resources: Mapping[str, object]) -> list[Record | Unreadable]:
    async with listed("messages", *resources) as url:
        channel = SmsChannel(SmsSettings("AC1", "sesame", OURS, "https://bot.example", api_url=url))
        found = [one async for page in channel.records(NOON) for one in page]
        await channel.close()
    return found


async def test_a_message_is_matched_by_when_it_was_taken_and_looked_for_by_when_it_was_sent() -> None:
    taken, sent = NOON - timedelta(minutes=3), NOON + timedelta(minutes=1)
    (record,) = await messages(
        MESSAGE | {"sid": "SM1", "date_created": said(taken), "date_sent": said(sent), "date_updated": said(sent)}
    )
    assert isinstance(record, Record)
    assert (record.at, record.changed) == (taken, sent)


async def test_a_record_that_makes_no_sense_leaves_the_others_readable() -> None:
    dates = dict.fromkeys(("date_created", "date_sent", "date_updated"), said(NOON))
    found = await messages(
        MESSAGE | dates | {"sid": "SM1", "date_created": "Wed, 32 Mar 2026 12:00:00 +0000"},
        MESSAGE | {"sid": "SM2", "date_created": "yesterday", "date_sent": None},
        MESSAGE | dates | {"sid": "SM3", "body": 7},
        MESSAGE | dates | {"sid": "SM4"},
    )
    assert [type(one) for one in found] == [Unreadable, Unreadable, Unreadable, Record]


async def test_half_a_sign_in_a_message_is_no_obstacle() -> None:
    dates = dict.fromkeys(("date_created", "date_sent"), said(NOON))
    (record,) = await messages(MESSAGE | dates | {"sid": "SM1", "body": "\ud83d", "direction": "inbound", "to": OURS})
    assert isinstance(record, Record)
    assert record.raw.endswith(b"Body=%3F")
    assert digest("\ud83d") == digest("?")


async def test_a_leg_of_a_call_passed_on_to_an_operator_is_no_call_of_ours() -> None:
    dates = {"date_created": said(NOON), "start_time": said(NOON), "date_updated": said(NOON)}
    leg = CALL | dates | {"sid": "CA2", "direction": "outbound-dial"}
    async with listed("calls", CALL | dates | {"sid": "CA1"}, leg) as url:
        channel = VoiceChannel(VoiceSettings("AC1", "sesame", OURS, "https://bot.example", api_url=url))
        found = [one async for page in channel.records(NOON) for one in page]
        assert [one.reference for one in found if isinstance(one, Record)] == ["CA1"]
        sought = Sought(attempt=UUID(int=1), to=ANA, digest=b"", known=frozenset({"CA1"}))
        assert await channel.find(sought, NOON) is None
        await channel.close()


async def test_a_carrier_that_asks_to_be_left_alone_says_for_how_long() -> None:
    async with answering(lambda: web.json_response({}, status=429, headers={"Retry-After": "90"})) as url:
        channel = SmsChannel(SmsSettings("AC1", "sesame", OURS, "https://bot.example", api_url=url))
        with pytest.raises(LookupFailed) as asked:
            await anext(aiter(channel.records(NOON)))
        assert asked.value.retry_after == 90.0
        await channel.close()
