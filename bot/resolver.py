"""Settling what is in doubt: messages whose sender died or whose carrier's answer never came.

After a quarantine the carrier is asked. Found: accepted. Not found twice: sent once more, flagged as such. Where the
carrier cannot tell (mail), it stays `unknown` in the open, and the contact goes on to the plan's next channel.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Select, func, select, text

from bot.application import Application
from bot.delivery import Progress, record
from bot.outreach import try_next_channel
from channels.port import CannotTell, LookupFailed, Receipt, Sought
from engine.contact import ChannelKind, Delivery
from engine.store.session import WriteSession, lease
from engine.store.tables.portfolio import Address
from engine.store.tables.talk import Attempt, Conversation, Outbound

LOOKUPS = 2
BATCH = 100
RESENT = "sent again after an unknown outcome"
CANNOT_TELL = "the carrier cannot tell"
NO_CHANNEL = CannotTell()
NEVER_HAD = "the carrier never had it"

ABANDONED = text("""
with dead as (
  update outbound set state = 'unknown', lease_until = now() + make_interval(secs => :quarantine),
         reason = 'the sender stopped before the answer'
  where state = 'sending' and lease_until < now() returning id
)
update attempts set state = 'unknown', updated_at = :now from dead
where attempts.outbound_id = dead.id and attempts.state = 'sending'
""")


async def resolve_unknown(app: Application, now: datetime) -> int:
    """Look after every message in doubt whose quarantine is over. How many were settled or asked about."""
    async with app.database.write() as session:
        await session.execute(ABANDONED, {"quarantine": app.quarantine_seconds, "now": now})
    async with app.database.read() as session:
        statement = select(Outbound.id).where(
            Outbound.state == Delivery.UNKNOWN, Outbound.lease_until < func.now(), Outbound.settled_at.is_(None)
        )
        doubtful = (await session.scalars(statement.order_by(Outbound.id).limit(BATCH))).all()
    for number in doubtful:
        await _resolve(app, number, now)
    return len(doubtful)


async def in_doubt(app: Application) -> int:
    """How many messages are under way or not settled yet."""
    async with app.database.read() as session:
        statement = select(func.count()).where(
            Outbound.state.in_([Delivery.SENDING, Delivery.UNKNOWN]), Outbound.settled_at.is_(None)
        )
        return int(await session.scalar(statement) or 0)


async def _resolve(app: Application, number: int, now: datetime) -> None:
    """Ask without holding anything, then settle if the message is still in doubt."""
    async with app.database.read() as session:
        row = await session.get_one(Outbound, number)
        attempt = await session.scalar(_last_attempt(number))
        talk = await session.get_one(Conversation, row.conversation_id)
        address = await session.get_one(Address, row.address_id)
    if attempt is None:
        return
    sought = Sought(attempt.id, address.sealed, bytes(attempt.digest))
    found = await _asked(app, ChannelKind(talk.channel), sought, attempt.started_at)
    async with app.database.write() as session:
        row = await session.get_one(Outbound, number, with_for_update=True)
        latest = await session.scalar(_last_attempt(number))
        if row.state != Delivery.UNKNOWN or latest is None or latest.id != attempt.id:
            return
        match found:
            case Receipt(reference):
                await record(session, attempt.id, Progress(Delivery.ACCEPTED, reference=reference), now)
            case CannotTell():
                row.settled_at, row.reason = now, CANNOT_TELL
                if row.contact_id is not None:
                    await try_next_channel(session, row.contact_id, now)
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


def _last_attempt(number: int) -> Select[Attempt]:
    return select(Attempt).where(Attempt.outbound_id == number).order_by(Attempt.no.desc()).limit(1)


async def _not_found(session: WriteSession, app: Application, row: Outbound, attempt: Attempt, now: datetime) -> None:
    row.lookups += 1
    if row.lookups < LOOKUPS:
        row.lease_until = await lease(session, app.quarantine_seconds)
        return
    if row.reason == RESENT or row.send_until <= now:
        await record(session, attempt.id, Progress(Delivery.FAILED, code=NEVER_HAD), now)
    else:
        attempt.state, attempt.updated_at, attempt.code = Delivery.FAILED, now, NEVER_HAD
        row.state, row.reason, row.lookups, row.lease_until = Delivery.READY, RESENT, 0, None
