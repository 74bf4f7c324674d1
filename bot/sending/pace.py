"""How much may go to the carrier of a channel now: its rate, its own wish to be left alone, and whether it is there.

One row of `carriers` a channel tells it to every process that sends. A circuit breaker of a channel is closed while
its carrier answers, whatever it answers; after five sends in a row that did not reach it, it is open: nothing is tried
until `open_until`; then one message is, as a probe, by whichever process asks first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import takewhile
from typing import NamedTuple

from sqlalchemy import text

from bot.application import Pace
from channels.port import Busy, NotSent, Receipt, Rejected, Uncertain, Unreached
from engine.contact import ChannelKind
from engine.store.session import ReadSession, WriteSession

Answer = Receipt | Rejected | NotSent | Uncertain
"""What came of one send; see `channels.port`."""

FUSE = 5
"""So many sends in a row that do not reach the carrier open its breaker."""
COOLING, LONGEST_COOLING = timedelta(seconds=30), timedelta(minutes=10)
"""How long it stays open the first time, twice as long after each probe that fails, and at most."""
PROBING = timedelta(seconds=60)
"""So long nobody else probes."""

STANDING = text("""
select lane.channel, s.tokens, s.filled_at, s.paused_until, coalesce(s.failures, 0) as failures, s.open_until,
       exists (select from outbound o where o.channel = lane.channel and o.state = 'ready' and o.send_until <= :now)
from unnest(cast(:channels as text[])) lane(channel) left join carriers s on s.channel = lane.channel
where exists (
  select from outbound o where o.channel = lane.channel and o.state = 'ready' and o.send_from <= :now)
""")

PROBE = text("""
update carriers set open_until = :until, trips = trips + 1
where channel = :channel and failures >= :fuse and (open_until <= :now or open_until > :bound) returning true
""")

FILLED = "least(:burst, tokens + :rate * greatest(extract(epoch from cast(:now as timestamptz) - filled_at), 0))"
TAKE = text("""
insert into carriers (channel, tokens, filled_at) values (:channel, :burst, :now) on conflict do nothing
""")
SPEND = text(f"""
with before as (
  select channel, floor(least(:wanted, {FILLED})) as granted, {FILLED} as filled
  from carriers where channel = :channel for update
)
update carriers c set tokens = before.filled - before.granted, filled_at = :now
from before where c.channel = before.channel returning before.granted
""")  # noqa: S608 - put together from our own constants
REFUND = text("update carriers set tokens = tokens + :unused where channel = :channel")

WELL = text("""
update carriers set failures = 0, trips = 0, open_until = null where channel = :channel and failures > 0
""")
ILL = text("""
insert into carriers as c (channel, filled_at, failures) values (:channel, :now, :count)
on conflict (channel) do update set failures = case when :anew then :count else c.failures + :count end
""")
TRIP = text("""
update carriers
set open_until = cast(:now as timestamptz)
               + least(cast(:cooling as interval) * power(2, least(trips, 10)), cast(:longest as interval))
where channel = :channel and failures >= :fuse
""")
PAUSE = text("""
insert into carriers as c (channel, filled_at, paused_until) values (:channel, :now, :until)
on conflict (channel) do update set paused_until = greatest(c.paused_until, excluded.paused_until)
""")


class Standing(NamedTuple):
    """A carrier whose channel has something to send; `late`: some of it should have gone before."""

    channel: str
    tokens: float | None
    filled_at: datetime | None
    paused_until: datetime | None
    failures: int
    open_until: datetime | None
    late: bool = False

    def pausing(self, now: datetime) -> bool:
        """Whether it asked to be left alone. A moment no pause can reach was told by a wrong clock."""
        return self.paused_until is not None and now < self.paused_until <= now + LONGEST_COOLING

    def open(self) -> bool:
        """Whether it was not there too often in a row."""
        return self.failures >= FUSE


async def standings(session: ReadSession, channels: Sequence[ChannelKind], now: datetime) -> list[Standing]:
    """The carriers of those of these channels that have something to send at `now`."""
    found = await session.execute(STANDING, {"channels": [channel.value for channel in channels], "now": now})
    return [Standing(*row) for row in found]


async def allowance(session: WriteSession, standing: Standing, pace: Pace, wanted: int, now: datetime) -> int:
    """How many of `wanted` sends the carrier may be offered; they are taken off its rate. A probe is one."""
    if standing.pausing(now):
        return 0
    if standing.open():
        probe = {"channel": standing.channel, "fuse": FUSE, "now": now}
        bounds = {"until": now + PROBING, "bound": now + LONGEST_COOLING}
        return 1 if await session.scalar(PROBE, probe | bounds) else 0
    if not pace.per_second:
        return wanted
    rate = {"channel": standing.channel, "rate": pace.per_second, "burst": max(pace.per_second, 1.0), "now": now}
    if standing.tokens is None:
        await session.execute(TAKE, rate)
    return int(await session.scalar(SPEND, rate | {"wanted": wanted}) or 0)


async def give_back(session: WriteSession, unused: Mapping[ChannelKind, int]) -> None:
    """Sends that were allowed and not made."""
    for channel, count in sorted(unused.items()):
        if count > 0:
            await session.execute(REFUND, {"channel": channel.value, "unused": count})


async def learn(session: WriteSession, answers: Mapping[ChannelKind, Sequence[Answer]], now: datetime) -> None:
    """Keep what these answers, in the order in which they came, tell of their carriers.

    Carriers are locked in the order of their names, whoever else is learning.
    """
    for channel in sorted(answers):
        told = answers[channel]
        pause = max((answer.retry_after for answer in told if isinstance(answer, Busy)), default=0.0)
        if pause:
            until = now + min(timedelta(seconds=pause), LONGEST_COOLING)
            await session.execute(PAUSE, {"channel": channel.value, "now": now, "until": until})
        if _missing(told[-1]):
            await _ill(session, channel, told, now)
        else:
            await session.execute(WELL, {"channel": channel.value})


async def _ill(session: WriteSession, channel: ChannelKind, told: Sequence[Answer], now: datetime) -> None:
    in_a_row = len(list(takewhile(_missing, reversed(told))))
    told_at = {"channel": channel.value, "now": now}
    await session.execute(ILL, told_at | {"count": in_a_row, "anew": in_a_row < len(told)})
    await session.execute(TRIP, told_at | {"fuse": FUSE, "cooling": COOLING, "longest": LONGEST_COOLING})


def _missing(answer: Answer) -> bool:
    """Whether the carrier was not there, as far as we can tell. A refusal, even for haste, is an answer."""
    return isinstance(answer, Unreached | Uncertain)
