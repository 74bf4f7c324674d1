"""The loop, as plain functions of `now`: the clock calls them in a deployment, the simulator in simulated time."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import text

from bot.application import Application
from bot.inbox import handle_inbox
from bot.outreach import give_way, open_contacts
from bot.reconciling import reconcile
from bot.resolver import resolve_unknown
from bot.sending.claim import BATCH
from bot.sending.pace import FUSE
from bot.sending.sender import send_due
from bot.silences import break_silences
from bot.speaking import BULK
from engine.contact import ChannelKind
from engine.daily import RunUnderWay, decide_day
from engine.day import turn_day
from engine.jobs import Tick
from engine.run import decide_changed

WAITING = text("""
select exists (select from inbox where state = 'new'),
       exists (select from contacts where state = 'planned' and send_from <= :now),
       exists (select from outbound where state = 'ready' and send_from <= :now),
       exists (select from silences where due_at <= :now)
""")

HELD_UP = text("""
select lane.channel,
       :most <= (
         select count(*) from (
           select from outbound
           where state = 'ready' and channel = lane.channel and priority = :bulk and send_from <= :now
           limit :most) queued
       ) as is_full,
       exists (select from carriers s where s.channel = lane.channel and s.failures >= :fuse) as is_shut
from unnest(cast(:channels as text[])) lane(channel)
""")
"""Which channels have as much in their queues as is ever put before a carrier, and whose breakers are open."""


async def day_tick(app: Application, now: datetime) -> bool:
    """Judgments of the day, the daily decision once its hour has come in the deployment's zone, then what changes.

    Before that hour changes wait for it: nobody is moved to another stage in the middle of the night. False while
    another process decides for the day, or has died over it: nothing was decided then.
    """
    await turn_day(app.database, now, app.hours)
    local = now.astimezone(ZoneInfo(app.timezone))
    if local.time() < app.decide_at:
        return True
    try:
        if await decide_day(app.database, local.date(), now, app.hours) is None:
            await decide_changed(app.database, now, app.hours)
    except RunUnderWay:
        return False
    return True


async def talk_round(app: Application, now: datetime) -> int:
    """Handle what came in and what did not, send what is queued, open due contacts: what of it there is. How much.

    No contact is opened while a whole batch was queued: a backlog waits as contacts, not as messages going stale.
    """
    async with app.database.read() as session:
        inbox, contacts, messages, silences = (await session.execute(WAITING, {"now": now})).one()
    done = await handle_inbox(app, now) if inbox else 0
    done += await break_silences(app, now) if silences else 0
    sent = await send_due(app, now) if messages else 0
    return done + sent + (await open_contacts(app, now) if contacts and sent < BATCH else 0)


async def contacts_tick(app: Application, now: datetime) -> None:
    """Open due contacts until nothing is left, or enough is queued: a backlog waits as contacts, as in `talk_round`.

    Each channel has its own: a carrier that is slow or down holds up only who is to be reached by it, and one that is
    down them only until their hours are nearly over (`bot.outreach.LAST_CALL`).
    """
    asked = {"channels": [channel.value for channel in app.channels], "now": now, "bulk": BULK, "most": BATCH}
    while True:
        async with app.database.read() as session:
            rows = (await session.execute(HELD_UP, asked | {"fuse": FUSE})).all()
        full = frozenset(ChannelKind(row.channel) for row in rows if row.is_full)
        shut = frozenset(ChannelKind(row.channel) for row in rows if row.is_shut)
        given = await give_way(app, now, shut) if shut else 0
        if full.issuperset(app.channels) or not (await open_contacts(app, now, full, shut) or given):
            return


def clock_ticks(app: Application) -> list[Tick]:
    """What the clock of a deployment looks after, and how often."""

    async def day() -> None:
        await day_tick(app, app.clock())

    async def contacts() -> None:
        await contacts_tick(app, app.clock())

    async def silences() -> None:
        await break_silences(app, app.clock())

    async def records() -> None:
        await reconcile(app, app.clock())

    return [
        Tick("day", 60, day),
        Tick("contacts", 1, contacts),
        Tick("silences", 5, silences),
        Tick("records", 15, records),
    ]


def doubt_ticks(app: Application) -> list[Tick]:
    """What a sender looks after beside the queue."""

    async def doubt() -> None:
        await resolve_unknown(app, app.clock())

    return [Tick("doubt", 10, doubt)]
