"""The loop, as plain functions of `now`: the clock calls them in a deployment, the simulator in simulated time."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import text

from bot.application import Application
from bot.inbox import handle_inbox
from bot.outreach import open_contacts
from bot.resolver import resolve_unknown
from bot.sender import IN_FLIGHT, send_due
from engine.day import turn_day
from engine.jobs import Tick
from engine.run import decide_day

WAITING = text("""
select exists (select from inbox where state = 'new'),
       exists (select from contacts where state = 'planned' and send_from <= :now),
       exists (select from outbound where state = 'ready' and send_from <= :now)
""")


async def day_tick(app: Application, now: datetime) -> None:
    """Judgments of the day, and the daily decision once its hour has come in the deployment's zone."""
    await turn_day(app.database, now, app.hours)
    local = now.astimezone(ZoneInfo(app.timezone))
    if local.time() >= app.decide_at:
        await decide_day(app.database, local.date(), now, app.hours)


async def talk_tick(app: Application, now: datetime) -> int:
    """Handle what came in, send what is queued, open due contacts, until nothing is left. How much was done.

    No contact is opened while a whole batch was queued: a backlog waits as contacts, not as messages going stale.
    """
    done = 0
    while True:
        async with app.database.read() as session:
            inbox, contacts, messages = (await session.execute(WAITING, {"now": now})).one()
        before = done
        done += await handle_inbox(app, now) if inbox else 0
        sent = await send_due(app, now) if messages else 0
        done += sent
        done += await open_contacts(app, now) if contacts and sent < IN_FLIGHT else 0
        if done == before:
            return done


def ticks(app: Application) -> list[Tick]:
    """What a running deployment looks after, and how often."""

    async def day() -> None:
        await day_tick(app, app.clock())

    async def talk() -> None:
        await talk_tick(app, app.clock())

    async def doubt() -> None:
        await resolve_unknown(app, app.clock())

    return [Tick("day", 60, day), Tick("talk", 1, talk), Tick("doubt", 10, doubt)]
