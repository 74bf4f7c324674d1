"""The sender of a deployment: always at work, never in the way of a reply."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import psycopg
from psycopg import sql
from sending import Post, paced, post

from bot.application import Pace
from bot.bell import OUTBOUND, Bell, bell
from bot.clock import SimulatedClock
from bot.running import Part, working
from bot.sending.dispatcher import Dispatcher


@asynccontextmanager
async def dispatching(office: Post) -> AsyncIterator[Dispatcher]:
    async with bell(office.app.database, OUTBOUND) as rung:
        dispatcher = Dispatcher(office.app, rung)
        running = asyncio.create_task(dispatcher.run())
        try:
            yield dispatcher
        finally:
            dispatcher.stop()
            await running


async def sent(office: Post, count: int) -> None:
    async with asyncio.timeout(20):
        await office.sms.has(count)


async def test_everything_is_sent_once_and_written_down_before_it_ends(database_url: str, now: datetime) -> None:
    async with post(database_url, now, 20, pace=Pace(4)) as office:
        await office.queue()
        async with dispatching(office), dispatching(office):
            await sent(office, 20)
        assert await office.states() == [("accepted", 20)]
        assert len({draft.to for draft in office.sms.sent}) == 20


async def test_no_more_are_under_way_than_there_are_places(database_url: str, now: datetime) -> None:
    async with post(database_url, now, 9, pace=Pace(4)) as office:
        await office.queue()
        office.sms.held = asyncio.Event()
        async with dispatching(office):
            await sent(office, 4)
            await asyncio.sleep(0.1)
            assert len(office.sms.sent) == 4
            assert await office.states() == [("ready", 4), ("sending", 5)], "one is at hand"
            office.sms.held.set()
            await sent(office, 9)


async def test_bulk_that_waits_for_a_slow_carrier_keeps_no_reply_waiting(database_url: str, now: datetime) -> None:
    async with post(database_url, now, 6, pace=Pace(2)) as office:
        await office.queue()
        await office.store("update outbound set send_from = :now - interval '1 hour' where id < 6", now=now)
        office.sms.held = asyncio.Event()
        async with dispatching(office):
            await sent(office, 2)
            await office.store("update outbound set priority = 0, contact_id = null where id = 6")
            await office.store("notify outbound")
            await sent(office, 3)
            assert office.sms.sent[-1].to.endswith("05"), "the reply"
            office.sms.held.set()


async def test_what_is_queued_wakes_the_sender_of_another_process(database_url: str, now: datetime) -> None:
    async with post(database_url, now, 1) as office, working(office.app, [Part.SENDER]):
        await asyncio.sleep(0.3)
        await office.queue()
        async with asyncio.timeout(4):
            await sent(office, 1)


class Hourglass(Bell):
    """A bell nobody rings: whoever waits for it lets a simulated clock run on."""

    def __init__(self, clock: SimulatedClock) -> None:
        super().__init__()
        self.clock = clock

    async def wait(self, longest: float = 0) -> None:
        self.clock.advance(self.clock() + timedelta(seconds=longest))
        await asyncio.sleep(0.01)


async def test_a_channel_with_a_rate_goes_at_its_rate(database_url: str, now: datetime) -> None:
    async with post(database_url, now, 20) as office:
        await office.queue()
        dispatcher = Dispatcher(paced(office, 4), Hourglass(office.clock))
        running = asyncio.create_task(dispatcher.run())
        await sent(office, 20)
        dispatcher.stop()
        await running
        ((took,),) = await office.asks("select extract(epoch from max(started_at) - min(started_at)) from attempts")
        assert 4 <= float(str(took)) < 5, "four at once, and sixteen at four a second"


async def test_a_store_that_is_away_keeps_nobody_from_leaving(
    database_url: str, now: datetime, administrator: psycopg.Connection[Any]
) -> None:
    async with post(database_url, now, 2) as office:
        await office.queue()
        office.sms.held = asyncio.Event()
        dispatcher = Dispatcher(office.app, Bell())
        running = asyncio.create_task(dispatcher.run())
        await sent(office, 2)
        name = sql.Identifier(database_url.rpartition("/")[2].partition("?")[0])
        administrator.execute(sql.SQL("alter database {} allow_connections false").format(name))
        administrator.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", [name.as_string().strip('"')]
        )
        office.sms.held.set()
        dispatcher.stop()
        async with asyncio.timeout(60):
            await running
        administrator.execute(sql.SQL("alter database {} allow_connections true").format(name))
        await office.app.database.close()  # what was open is gone, whoever has noticed
        assert await office.states() == [("sending", 2)], "in doubt when their leases are over"
