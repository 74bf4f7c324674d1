"""News of messages: whatever its order, the end is the same."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from itertools import permutations
from urllib.parse import urlencode
from uuid import UUID, uuid4

import pytest
from sending import Post, post
from sqlalchemy import text

from bot.delivery import NEVER_HAD, Progress, record, record_all
from bot.inbox import handle_inbox, keep
from bot.statuses import SMS_STATUS
from engine.contact import Delivery

SIX = (
    Delivery.ACCEPTED,
    Delivery.SENT,
    Delivery.EXPIRED,
    Delivery.FAILED,
    Delivery.DELIVERED,
    Delivery.READ,
)
COPIES = """
insert into attempts (id, outbound_id, no, state, body, digest, started_at)
select id, 1, n + 1, 'sending', ''::bytea, ''::bytea, :now from unnest(cast(:ids as uuid[])) with ordinality a(id, n)
"""


@pytest.fixture
async def office(database_url: str, now: datetime) -> AsyncIterator[Post]:
    async with post(database_url, now, 1, mailboxes=True) as running:
        await running.queue()
        await running.send()
        yield running


async def attempts(office: Post, count: int) -> list[UUID]:
    ids = [uuid4() for _ in range(count)]
    await office.store(COPIES, ids=ids, now=office.clock())
    return ids


@pytest.mark.parametrize("told", [SIX, SIX[:4], (Delivery.EXPIRED, Delivery.FAILED, Delivery.SENT)])
async def test_every_order_of_the_same_news_ends_alike(office: Post, told: tuple[Delivery, ...]) -> None:
    orders = list(permutations(told))
    ids = await attempts(office, len(orders))
    for step in range(len(told)):
        async with office.app.database.write() as session:
            news = [(one, Progress(order[step], f"SM{step}")) for one, order in zip(ids, orders, strict=True)]
            assert await record_all(session, [*news, *news], office.clock()) == set(ids)
    best = max(told, key=lambda state: state.rank)
    assert await office.asks("select distinct state from attempts where no > 1") == [(best,)]


async def test_an_answer_that_waited_for_a_report_takes_nothing_back(office: Post) -> None:
    ((attempt,),) = await office.asks("select id from attempts")
    await office.store("update attempts set state = 'sending', reference = null")
    await office.store("update outbound set state = 'sending'")

    async def answer() -> bool:
        async with office.app.database.write() as session:
            return await record(session, UUID(str(attempt)), Progress(Delivery.ACCEPTED, "later"), office.clock())

    async with office.app.database.write() as session:
        assert await record(session, UUID(str(attempt)), Progress(Delivery.DELIVERED, "first"), office.clock())
        answering = asyncio.create_task(answer())
        while not await office.asks("select from pg_locks where not granted"):
            assert not answering.done(), "it waits for the report"
    assert await answering
    assert await office.asks("select state, reference from attempts") == [("delivered", "first")]
    assert await office.asks("select state, settled_at is null from outbound") == [("delivered", False)]


async def test_who_holds_a_message_and_who_reports_on_it_never_wait_in_a_circle(office: Post) -> None:
    ((attempt,),) = await office.asks("select id from attempts")
    await office.store("update attempts set state = 'unknown', reference = null")
    await office.store("update outbound set state = 'unknown'")

    async def report() -> bool:
        async with office.app.database.write() as session:
            return await record(session, UUID(str(attempt)), Progress(Delivery.DELIVERED, "first"), office.clock())

    async with office.app.database.write() as session:
        await session.execute(text("select from outbound for update"))
        reporting = asyncio.create_task(report())
        while not await office.asks("select from pg_locks where not granted"):
            assert not reporting.done(), "it waits for the message"
        assert await record(session, UUID(str(attempt)), Progress(Delivery.ACCEPTED, "first"), office.clock())
    assert await reporting
    assert await office.asks("select state from outbound") == [("delivered",)]


async def test_all_news_at_once_is_as_good_as_one_by_one(office: Post) -> None:
    (attempt,) = await office.asks("select id from attempts")
    async with office.app.database.write() as session:
        news = [(UUID(str(attempt[0])), Progress(state)) for state in (Delivery.FAILED, Delivery.DELIVERED)]
        await record_all(session, news, office.clock())
    assert await office.states() == [("delivered", 1)]
    assert await office.asks("select state from contacts") == [("opened",)], "it was delivered in the end"


async def test_news_of_an_earlier_try_that_failed_does_not_end_a_later_one(office: Post) -> None:
    first = UUID(str((await office.asks("select id from attempts"))[0][0]))
    await attempts(office, 1)
    await office.store("update outbound set tries = 2, state = 'accepted'")
    async with office.app.database.write() as session:
        assert await record(session, first, Progress(Delivery.FAILED), office.clock())
    assert await office.states() == [("accepted", 1)]


async def test_what_the_carrier_denied_and_then_reports_is_not_sent_again(office: Post) -> None:
    first = UUID(str((await office.asks("select id from attempts"))[0][0]))
    await office.store("update attempts set state = 'failed', code = :never", never=NEVER_HAD)
    await office.store("update outbound set state = 'ready', resent = true")
    async with office.app.database.write() as session:
        await record(session, first, Progress(Delivery.SENT), office.clock())
    assert await office.send() == 0
    assert await office.states() == [("sent", 1)]


async def test_reports_of_a_batch_are_booked_and_those_of_strangers_parked(office: Post, now: datetime) -> None:
    attempt = (await office.asks("select id from attempts"))[0][0]
    async with office.app.database.write() as session:
        for number, (path, status) in enumerate(
            [(f"/s/{attempt}", "sent"), (f"/s/{uuid4()}", "sent"), ("/s/x", "sent"), (f"/s/{attempt}", "delivered")]
        ):
            form = urlencode({"MessageSid": "SM1", "MessageStatus": status}).encode()
            await keep(session, SMS_STATUS, f"SM{number}:{status}", form, now, path)
    assert await handle_inbox(office.app, now) == 4
    assert await office.states() == [("delivered", 1)]
    assert await office.asks("select state, error is null from inbox order by id") == [
        ("done", True),
        ("parked", False),
        ("parked", False),
        ("done", True),
    ]
