"""The overview's counts: cases by stage, contacts by channel and how they fared, promises, sends in doubt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import func, select, text

from bot.console.inbox import waiting
from engine.calendar import at_local, local_day
from engine.contact import Delivery
from engine.money import Money
from engine.store.session import ReadSession
from engine.store.tables.talk import InboxEvent, InboxState, Outbound

STAGES = text("""
select k.plan_name as plan, coalesce(p.terms->'stages'->k.stage->>'stage', 'begun') as stage, k.stage as number,
       count(*) filter (where k.told <> 'suspended') as open, count(*) filter (where k.told = 'suspended') as suspended
from cases k join plans p on p.id = k.plan_id
where k.closed_at is null
group by 1, 2, 3 order by 1, 3
""")

CONTACTS = text("""
select t.channel, count(*) filter (where m.at >= :day) as today, count(*) as week,
       count(*) filter (where o.state in ('delivered', 'read')) as delivered,
       count(*) filter (where o.state in ('failed', 'expired', 'refused')) as failed,
       count(*) filter (where o.state = 'unknown') as unknown,
       count(*) filter (where exists (
         select from messages r where r.conversation_id = t.id and r.author = 'client')) as answered
from outbound o join conversations t on t.id = o.conversation_id join messages m on m.id = o.message_id
where o.contact_id is not null and m.at >= :week and m.at <= :now
group by t.channel order by t.channel
""")

PROMISES = text("""
select p.currency,
       count(*) filter (where p.state = 'open') as open,
       coalesce(sum(p.amount) filter (where p.state = 'open'), 0)::bigint as open_sum,
       count(*) filter (where p.state = 'open' and p.until = (:now at time zone c.timezone)::date) as due,
       count(*) filter (where p.state in ('broken', 'partly_kept') and p.judged_at >= :week) as broken,
       count(*) filter (where p.state = 'kept' and p.judged_at >= :week) as kept
from promises p join clients c on c.id = p.client_id
where p.state = 'open' or p.judged_at >= :week
group by p.currency order by p.currency
""")


@dataclass(frozen=True, slots=True)
class StageCount:
    """The running cases of one stage of a plan."""

    plan: str
    stage: str
    number: int
    open: int
    suspended: int

    @property
    def all(self) -> int:
        """Both."""
        return self.open + self.suspended


@dataclass(frozen=True, slots=True)
class ChannelCount:
    """The contacts of a channel in seven days, and how they fared."""

    channel: str
    today: int
    week: int
    delivered: int
    failed: int
    unknown: int
    answered: int


@dataclass(frozen=True, slots=True)
class PromiseCount:
    """The promises of a currency: open ones, and those judged in seven days."""

    currency: str
    open: int
    open_sum: Money
    due: int
    broken: int
    kept: int


@dataclass(frozen=True, slots=True)
class Numbers:
    """All of them, at one moment. `oldest_...` is since when the first of them has waited."""

    waiting: int
    oldest_waiting: datetime | None
    unknown: int
    oldest_unknown: datetime | None
    parked: int
    stages: Sequence[StageCount]
    contacts: Sequence[ChannelCount]
    promises: Sequence[PromiseCount]

    @property
    def due_today(self) -> int:
        """Promises whose last day is today where the client lives."""
        return sum(one.due for one in self.promises)

    @property
    def broken(self) -> int:
        """Promises broken in seven days, wholly or in part."""
        return sum(one.broken for one in self.promises)


async def numbers(session: ReadSession, now: datetime, zone: ZoneInfo) -> Numbers:
    """Count; days are the deployment's, for promises the client's own."""
    day = at_local(local_day(now, zone), datetime.min.time(), zone)
    asked = {"now": now, "day": day, "week": day - timedelta(days=6)}
    waits, since = await waiting(session)
    doubt = (
        await session.execute(
            select(func.count(), func.min(Outbound.send_from)).where(
                Outbound.state == Delivery.UNKNOWN, Outbound.settled_at.is_(None)
            )
        )
    ).one()
    stages = (await session.execute(STAGES)).all()
    contacts = (await session.execute(CONTACTS, asked)).all()
    promises = (await session.execute(PROMISES, asked)).all()
    return Numbers(
        waiting=waits,
        oldest_waiting=since,
        unknown=doubt[0],
        oldest_unknown=doubt[1],
        parked=await session.scalar(select(func.count()).where(InboxEvent.state == InboxState.PARKED)) or 0,
        stages=[StageCount(*row) for row in stages],
        contacts=[ChannelCount(*row) for row in contacts],
        promises=[
            PromiseCount(row.currency, row.open, Money(row.open_sum, row.currency), row.due, row.broken, row.kept)
            for row in promises
        ],
    )
