"""The channels at one moment: what waits in each one's queue, and how its carrier takes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import text

from bot.application import Application
from bot.sending.pace import COOLING, LONGEST_COOLING, PROBING, Standing
from bot.speaking import REPLY
from engine.contact import ChannelKind
from engine.store.session import ReadSession

LATEST = 5_000
"""Among so many of the newest messages the last one a carrier took is looked for."""

QUEUES = text("""
select channel, count(*) filter (where state = 'ready') as waiting,
       count(*) filter (where state = 'ready' and priority = :reply) as replies,
       count(*) filter (where state = 'ready' and send_from <= :now) as due,
       min(send_from) filter (where state = 'ready' and send_from <= :now) as oldest,
       count(*) filter (where state = 'sending') as under_way
from (
  select channel, 'ready' as state, priority, send_from from outbound where state = 'ready' union all
  select channel, 'sending', priority, send_from from outbound where state = 'sending'
) queued group by channel
""")
"""Each half has an index of its own, and asks for no more than is in it."""

CARRIERS = text("""
select channel, tokens, filled_at, paused_until, failures, open_until, trips from carriers
""")

TAKEN = text("""
select o.channel, max(a.started_at) as at
from (select id, channel, tries from outbound order by id desc limit :latest) o
join attempts a on a.outbound_id = o.id and a.no = o.tries
where a.state in ('accepted', 'sent', 'delivered', 'read')
group by o.channel
""")


class Reach(StrEnum):
    """Whether a carrier is offered messages: it is, it asked for a pause, its breaker is open, or we do not use it."""

    REACHED = "reached"
    PAUSED = "paused"
    OPEN = "open"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class Carrier:
    """How the sender of a channel stands with its carrier.

    `again` is when it is offered the next message. `open_since` is the latest moment at which its breaker can have
    opened. `used` of `allowed` sends a second; 0 allowed is as fast as it takes them. `taken` is its last message.
    """

    reach: Reach = Reach.REACHED
    failures: int = 0
    again: datetime | None = None
    open_since: datetime | None = None
    used: int = 0
    allowed: float = 0.0
    taken: datetime | None = None


@dataclass(frozen=True, slots=True)
class Lane:
    """A channel's queue and its carrier. `oldest` is since when the first message that is due has been due.

    `places` is how many one process has under way at most.
    """

    channel: ChannelKind
    carrier: Carrier
    places: int
    waiting: int = 0
    replies: int = 0
    due: int = 0
    oldest: datetime | None = None
    under_way: int = 0


async def lanes_of(session: ReadSession, app: Application, now: datetime) -> Sequence[Lane]:
    """The channels that are switched on, and others with something in their queues."""
    queues = {row.channel: row for row in await session.execute(QUEUES, {"now": now, "reply": REPLY})}
    standings = {row.channel: row for row in await session.execute(CARRIERS)}
    taken = {row.channel: row.at for row in await session.execute(TAKEN, {"latest": LATEST})}
    lanes = []
    for channel in ChannelKind:
        if channel in app.channels or channel in queues:
            carrier = _carrier(app, channel, standings.get(channel), taken.get(channel), now)
            queued = tuple(queues[channel])[1:] if channel in queues else ()
            lanes.append(Lane(channel, carrier, app.pace_of(channel).in_flight, *queued))
    return lanes


def _carrier(app: Application, channel: ChannelKind, row: Any, taken: datetime | None, now: datetime) -> Carrier:
    allowed = app.pace_of(channel).per_second
    if channel not in app.channels:
        return Carrier(Reach.OFF, taken=taken)
    if row is None:
        return Carrier(allowed=allowed, taken=taken)
    standing = Standing(*row[:-1])
    carrier = Carrier(used=_used(standing, allowed, now), allowed=allowed, taken=taken)
    if standing.open():
        since = _open_since(row.open_until, row.trips) if row.open_until else None
        return replace(carrier, reach=Reach.OPEN, failures=row.failures, again=row.open_until, open_since=since)
    if standing.pausing(now):
        return replace(carrier, reach=Reach.PAUSED, again=row.paused_until)
    return carrier


def _used(standing: Standing, allowed: float, now: datetime) -> int:
    """How much of a second's rate is used up at this moment."""
    if not allowed or standing.tokens is None or standing.filled_at is None:
        return 0
    burst = max(allowed, 1.0)
    filled = standing.tokens + allowed * max((now - standing.filled_at).total_seconds(), 0)
    return round(burst - min(filled, burst))


def _open_since(until: datetime, trips: int) -> datetime:
    """The latest moment at which a breaker can have opened that is closed again at `until`, or is being probed till
    then: it has been open for every cooling before this one."""
    coolings = [min(COOLING * (1 << min(trip, 10)), LONGEST_COOLING) for trip in range(trips + 1)]
    return until - sum(coolings[:-1], start=min(coolings[-1], PROBING))
