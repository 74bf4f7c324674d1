"""How the machinery is doing: channels, what is in doubt or parked, who is at work, the last daily run; and what of
all that a person should know."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from sqlalchemy import text

from bot.application import Application
from bot.bell import INBOX, OUTBOUND
from bot.console.lanes import Lane, Reach, lanes_of
from bot.console.parked import Parked, parked
from bot.gaps import GapCount, Look, OpenGap, gap_counts, looks, open_gaps
from engine.daily import DAILY
from engine.store.session import ReadSession
from engine.store.tables.base import Sealed

LONG = timedelta(minutes=15)
"""Something due waits no longer than this where all is well."""
LATE = timedelta(hours=1)
"""A daily run is over by then."""
LATELY = timedelta(days=7)
LISTED = 5

DOUBTS = text("select count(*) from outbound where state = 'unknown' and settled_at is null")

OLDEST_DOUBT = text("""
select o.channel, a.started_at as at, c.ref, c.name as name, a.body as body, o.lookups
from outbound o join attempts a on a.outbound_id = o.id and a.no = o.tries
join conversations t on t.id = o.conversation_id join clients c on c.id = t.client_id
where o.state = 'unknown' and o.settled_at is null order by a.started_at, o.id limit 1
""").columns(name=Sealed, body=Sealed)

INCOMING = text("""
select count(*) as waiting, min(received_at) as oldest, (select received_at from inbox order by id desc limit 1) as last
from inbox where state = 'new'
""")

AT_WORK = text("""
select query, count(*) as many from pg_stat_activity
where datname = current_database() and query = any(:queries) group by query
""")
"""Each process that handles what came in, or that sends, listens on a connection of its own."""

RUN = text("""
with latest as (
  select max(day) as day from (
    select max(day) as day from daily_runs where job = :job union all
    select max(day) from run_slices where job = :job) known
)
select latest.day, (select done_at from daily_runs d where d.job = :job and d.day = latest.day) as done_at,
       count(s.through) as slices, coalesce(sum(s.clients), 0)::bigint as clients,
       (select coalesce(sum(value::bigint), 0)::bigint from run_slices c, jsonb_each_text(c.changes)
        where c.job = :job and c.day = latest.day) as changes,
       coalesce(max(s.longest), 0) as longest, max(s.done_at) as last
from latest left join run_slices s on s.job = :job and s.day = latest.day
where latest.day is not null group by latest.day
""")


@dataclass(frozen=True, slots=True)
class Doubt:
    """The message that has been in doubt longest; `body` is what it says, `lookups` how often its carrier was asked."""

    channel: str
    at: datetime
    ref: str
    name: str
    body: str
    lookups: int


@dataclass(frozen=True, slots=True)
class Incoming:
    """What carriers have told us and is not handled yet, and when they last told us anything."""

    waiting: int
    oldest: datetime | None
    last: datetime | None


@dataclass(frozen=True, slots=True)
class Run:
    """The latest daily run; `done_at` is None while it is not over, `longest` its longest transaction in seconds."""

    day: date
    done_at: datetime | None
    slices: int
    clients: int
    changes: int
    longest: float
    last: datetime | None


@dataclass(frozen=True, slots=True)
class Records:
    """What the carriers' own records have shown: gaps found in seven days, those still open, how far they were asked.

    `listed` are the oldest of the open ones.
    """

    counts: Sequence[GapCount]
    listed: Sequence[OpenGap]
    looks: Sequence[Look]

    @property
    def open(self) -> int:
        """Gaps that wait for a person."""
        return sum(one.open for one in self.counts)

    @property
    def unasked(self) -> Sequence[Look]:
        """Carriers that cannot be asked."""
        return [one for one in self.looks if one.failure is not None]


class Trouble(StrEnum):
    """What a person should know of, the gravest first."""

    NO_SENDER = "no_sender"
    NO_INBOX = "no_inbox"
    OPEN = "open"
    OFF = "off"
    PAUSED = "paused"
    SLOW = "slow"
    UNHEARD = "unheard"
    DOUBT = "doubt"
    PARKED = "parked"
    GAPS = "gaps"
    UNASKED = "unasked"
    RUN_LATE = "run_late"


@dataclass(frozen=True, slots=True)
class Operations:
    """All of it at `now`. `at_work` counts processes by the bell they listen to."""

    now: datetime
    lanes: Sequence[Lane]
    doubts: int
    oldest_doubt: Doubt | None
    parked: Parked
    records: Records
    incoming: Incoming
    at_work: Mapping[str, int]
    run: Run | None
    run_late: bool

    @property
    def due(self) -> int:
        """Messages that could go out now."""
        return sum(lane.due for lane in self.lanes)

    @property
    def oldest_due(self) -> datetime | None:
        """Since when the first of them could."""
        return min((lane.oldest for lane in self.lanes if lane.oldest), default=None)

    @property
    def under_way(self) -> int:
        """Messages being offered to their carriers."""
        return sum(lane.under_way for lane in self.lanes)

    @property
    def troubles(self) -> Sequence[tuple[Trouble, Lane | None]]:
        """What is not well, with the channel it is about; nothing where all is well."""
        idle = [(Trouble.NO_SENDER, OUTBOUND), (Trouble.NO_INBOX, INBOX)]
        found: list[tuple[Trouble, Lane | None]] = [(what, None) for what, bell in idle if not self.at_work[bell]]
        found += self._of_lanes()
        unheard = self.incoming.oldest is not None and self.now - self.incoming.oldest > LONG
        there = {
            Trouble.UNHEARD: unheard,
            Trouble.DOUBT: self.doubts > 0,
            Trouble.PARKED: self.parked.count > 0,
            Trouble.GAPS: self.records.open > 0,
            Trouble.UNASKED: bool(self.records.unasked),
            Trouble.RUN_LATE: self.run_late,
        }
        return [*found, *((trouble, None) for trouble, holds in there.items() if holds)]

    def _of_lanes(self) -> Iterator[tuple[Trouble, Lane]]:
        for lane in self.lanes:
            if lane.carrier.reach is not Reach.REACHED:
                yield Trouble(lane.carrier.reach), lane
            elif lane.oldest is not None and self.now - lane.oldest > LONG:
                yield Trouble.SLOW, lane


async def operations(session: ReadSession, app: Application, now: datetime) -> Operations:
    """Look at everything."""
    bells = {f'listen "{bell}"': bell for bell in (OUTBOUND, INBOX)}
    at_work = await session.execute(AT_WORK, {"queries": list(bells)})
    doubt = (await session.execute(OLDEST_DOUBT)).one_or_none()
    row = (await session.execute(RUN, {"job": DAILY})).one_or_none()
    run = Run(*row) if row else None
    return Operations(
        now=now,
        lanes=await lanes_of(session, app, now),
        doubts=await session.scalar(DOUBTS) or 0,
        oldest_doubt=Doubt(*doubt) if doubt else None,
        parked=await parked(session),
        records=Records(
            await gap_counts(session, now - LATELY), await open_gaps(session, LISTED), await looks(session)
        ),
        incoming=Incoming(*(await session.execute(INCOMING)).one()),
        at_work=dict.fromkeys(bells.values(), 0) | {bells[query]: many for query, many in at_work},
        run=run,
        run_late=_late(app, run, now),
    )


def _late(app: Application, run: Run | None, now: datetime) -> bool:
    """Whether today's run should be over and is not."""
    local = now.astimezone(ZoneInfo(app.timezone))
    begins = datetime.combine(local.date(), app.decide_at, local.tzinfo)
    over = run is not None and run.done_at is not None and run.day >= local.date()
    return local > begins + LATE and not over
