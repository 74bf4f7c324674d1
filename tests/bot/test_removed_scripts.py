"""Talks whose script was removed, or whose state a newer program has stored: nobody is met with silence."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import pytest
from sending import Post, post

from bot.silences import break_silences
from bot.speaking import UNREADABLE

NEWER = "update conversations set state = state || '{\"schema\": 99}'"
GONE = "update conversations set script = 'gone'"


@pytest.fixture
async def office(database_url: str, now: datetime) -> AsyncIterator[Post]:
    async with post(database_url, now) as running:
        await running.queue()
        await running.send()
        await running.says("2")
        yield running


async def test_a_talk_goes_on_in_the_script_for_those_who_write_first(office: Post) -> None:
    await office.store(GONE)
    assert "13 martie" in await office.says("vineri")
    assert "13 martie" in await office.says("da")
    assert await office.asks("select until::text from promises") == [("2026-03-13",)]


async def test_a_reminder_that_waits_in_the_queue_is_still_put_into_words(office: Post) -> None:
    question = office.sms.sent[-1].body
    office.clock.advance(office.clock() + timedelta(days=1))
    assert await break_silences(office.app, office.clock()) == 1
    await office.store(GONE)
    await office.talk()
    assert office.sms.sent[-1].body.endswith(question)
    assert len(office.sms.sent) == 3


async def test_a_talk_that_cannot_be_read_goes_to_a_person_who_is_told_why(office: Post) -> None:
    await office.store(NEWER)
    told = len(office.sms.sent)
    await office.says("vineri")
    assert len(office.sms.sent) == told + 1
    assert await office.asks("select reason from tasks") == [(f"conversation handed over: fault: {UNREADABLE}",)]
    assert await office.asks("select owner from conversations") == [("waiting",)]


async def test_a_stop_counts_in_a_talk_that_cannot_be_read(office: Post) -> None:
    await office.store(NEWER)
    await office.says("STOP")
    assert await office.asks("select what from consents") == [("opted_out",)]
    assert await office.asks("select from tasks") == []


@pytest.mark.parametrize(
    "change", [GONE, NEWER.replace("99", '99, "done": true'), NEWER.replace("99", '99, "turn": 9')]
)
async def test_a_rung_that_is_left_of_a_talk_that_has_gone_on_calls_no_person(office: Post, change: str) -> None:
    await office.store(change)
    told = len(office.sms.sent)
    office.clock.advance(office.clock() + timedelta(days=1))
    await office.talk()
    assert len(office.sms.sent) == told
    assert await office.asks("select from silences") == []
    assert await office.asks("select owner, (select count(*) from tasks) from conversations") == [("bot", 0)]
