"""Settling what is in doubt: messages whose sender died or whose carrier's answer never came.

After a quarantine the carrier is asked. Found: accepted. Not found twice: sent once more, flagged as such. Where the
carrier cannot tell (mail), it stays `unknown` in the open, and the contact goes on to the plan's next channel.
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

from sqlalchemy import Select, func, select, text

from bot.application import Application
from bot.delivery import NEVER_HAD, Progress, next_channel, record
from bot.sending.parking import complain
from channels.port import CannotTell, LookupFailed, Receipt, Sought
from engine.contact import ChannelKind, Delivery
from engine.store.session import WriteSession, lease
from engine.store.tables.portfolio import Address
from engine.store.tables.talk import Attempt, Outbound

LOOKUPS = 2
BATCH = 100
AT_ONCE = 8
"""So many carriers' answers are waited for at once."""
ABOUT = timedelta(days=1)
RESENT = "sent again after an unknown outcome"
CANNOT_TELL = "the carrier cannot tell"
NO_CHANNEL = CannotTell()

ABANDONED = text("""
with dead as (
  update outbound set state = 'unknown', lease_until = now() + make_interval(secs => :quarantine),
         reason = 'the sender stopped before the answer'
  where id in (
    select id from outbound where state = 'sending' and lease_until < now()
    order by id for no key update skip locked)
  returning id
)
update attempts set state = 'unknown', updated_at = :now from dead
where attempts.outbound_id = dead.id and attempts.state = 'sending'
""")


async def resolve_unknown(app: Application, now: datetime) -> int:
    """Look after every message in doubt whose quarantine is over. How many were settled or asked about."""
    async with app.database.write() as session:
        await session.execute(ABANDONED, {"quarantine": app.quarantine_seconds, "now": now})
    doubtful = select(Outbound.id).where(
        Outbound.state == Delivery.UNKNOWN, Outbound.lease_until < func.now(), Outbound.settled_at.is_(None)
    )
    async with app.database.read() as reading:
        numbers = (await reading.scalars(doubtful.order_by(Outbound.lease_until).limit(BATCH))).all()
    places = asyncio.Semaphore(AT_ONCE)

    async def resolve(number: int) -> None:
        async with places:
            await _resolve(app, number, now)

    await asyncio.gather(*(resolve(number) for number in numbers))
    return len(numbers)


async def in_doubt(app: Application) -> int:
    """How many messages are under way or not settled yet."""
    async with app.database.read() as session:
        statement = select(func.count()).where(
            Outbound.state.in_([Delivery.SENDING, Delivery.UNKNOWN]), Outbound.settled_at.is_(None)
        )
        return int(await session.scalar(statement) or 0)


async def _resolve(app: Application, number: int, now: datetime) -> None:
    """Ask without holding anything, then settle if nobody else has meanwhile.

    Of two processes that ask at once the second drops what it was told: two looks at one moment count as one.
    """
    async with app.database.read() as session:
        row = await session.get_one(Outbound, number)
        attempt = await session.scalar(_last_attempt(number))
        if attempt is None:
            return
        asked_before = row.lookups, row.lease_until
        address = await session.get_one(Address, row.address_id)
        known = await session.scalars(_others(attempt, address))
        sought = Sought(attempt.id, address.sealed, bytes(attempt.digest), frozenset(filter(None, known)))
    found = await _asked(app, ChannelKind(row.channel), sought, attempt.started_at)
    async with app.database.write() as session:
        row = await session.get_one(Outbound, number, with_for_update=True)
        latest = await session.scalar(_last_attempt(number))
        if row.state != Delivery.UNKNOWN or latest is None or latest.id != attempt.id:
            return
        if (row.lookups, row.lease_until) != asked_before:
            return
        match found:
            case Receipt(reference):
                await record(session, attempt.id, Progress(Delivery.ACCEPTED, reference=reference), now)
            case CannotTell():
                row.settled_at, row.reason = now, CANNOT_TELL
                if row.contact_id is not None:
                    await next_channel(session, [row.contact_id], now)
            case None:
                await _not_found(session, app, row, latest, now)
            case LookupFailed():
                row.lease_until = await lease(session, app.quarantine_seconds)


async def _asked(
    app: Application, channel: ChannelKind, sought: Sought, since: datetime
) -> Receipt | CannotTell | LookupFailed | None:
    if channel not in app.channels:
        return NO_CHANNEL
    try:
        return await app.channels[channel].find(sought, since)
    except LookupFailed as failed:
        return failed
    except Exception as fault:  # noqa: BLE001 whatever a carrier answers, the other messages are looked after
        complain("a carrier's answer to a look-up cannot be read", fault, channel=channel)
        return LookupFailed(str(fault))


def _last_attempt(number: int) -> Select[Attempt]:
    return select(Attempt).where(Attempt.outbound_id == number).order_by(Attempt.no.desc()).limit(1)


def _others(attempt: Attempt, address: Address) -> Select[str | None]:
    """What the carrier calls other messages to that address, whichever clients share it, of about the same time."""
    began = attempt.started_at
    shared = select(Address.id).where(Address.lookup == address.lookup, Address.channel == address.channel)
    return (
        select(Attempt.reference)
        .join(Outbound, Outbound.id == Attempt.outbound_id)
        .where(
            Outbound.address_id.in_(shared),
            Attempt.id != attempt.id,
            Attempt.started_at.between(began - ABOUT, began + ABOUT),
        )
    )


async def _not_found(session: WriteSession, app: Application, row: Outbound, attempt: Attempt, now: datetime) -> None:
    row.lookups += 1
    if row.lookups < LOOKUPS:
        row.lease_until = await lease(session, app.lookup_gap_seconds)
        return
    if row.resent or row.send_until <= now:
        await record(session, attempt.id, Progress(Delivery.FAILED, code=NEVER_HAD), now)
    else:
        attempt.state, attempt.updated_at, attempt.code = Delivery.FAILED, now, NEVER_HAD
        row.state, row.reason, row.lookups, row.lease_until = Delivery.READY, RESENT, 0, None
        row.resent = True
