"""The clockwork turns on whatever a tick meets, and its log quotes no rows."""

from __future__ import annotations

import asyncio

from sqlalchemy import text
from structlog.testing import capture_logs

from engine.jobs import Tick, clockwork
from engine.store.session import Database


async def test_a_tick_that_fails_comes_again_and_tells_no_row(database: Database) -> None:
    times, again = [0], asyncio.Event()

    async def work() -> None:
        times[0] += 1
        if times[0] > 1:
            again.set()
            return
        async with database.write() as session:
            await session.execute(text("insert into plan_groups (name) values ('secret'), ('secret')"))

    scheduler = clockwork([Tick("grouping", 0.01, work)])
    with capture_logs() as logged:
        scheduler.start()
        await asyncio.wait_for(again.wait(), 10)
        scheduler.shutdown(wait=False)
    (line,) = logged
    assert (line["tick"], line["fault"].split(":")[0]) == ("grouping", "UniqueViolation")
    assert "in work" in line["trace"]
    assert "Key (name)" not in str(line)
