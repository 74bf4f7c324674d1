"""Settling what is in doubt: messages whose sender died or whose carrier's answer never came.

After a quarantine the carrier is asked. Found: accepted. Not found twice: sent once more, flagged as such. Where the
carrier cannot tell (mail), it stays `unknown` in the open, and the contact goes on to the plan's next channel.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select, text

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
    async with app.database.write() as session:
        row = await session.scalar(select(Outbound).where(Outbound.id == number).with_for_update(skip_locked=True))
        if row is None or row.state != Delivery.UNKNOWN:
            return
        attempt = await session.scalar(
            select(Attempt).where(Attempt.outbound_id == number).order_by(Attempt.no.desc()).limit(1)
        )
        talk = await session.get_one(Conversation, row.conversation_id)
        address = await session.get_one(Address, row.address_id)
        if attempt is None:
            return
        try:
            sought = Sought(attempt.id, address.sealed, bytes(attempt.digest))
            found = await app.channels[ChannelKind(talk.channel)].find(sought, attempt.started_at)
        except LookupFailed:
            row.lease_until = await lease(session, app.quarantine_seconds)
            return
        match found:
            case Receipt(reference):
                await record(session, attempt.id, Progress(Delivery.ACCEPTED, reference=reference), now)
            case CannotTell():
                row.settled_at, row.reason = now, CANNOT_TELL
                if row.contact_id is not None:
                    await try_next_channel(session, row.contact_id, now)
            case None:
                await _not_found(session, app, row, attempt, now)


async def _not_found(session: WriteSession, app: Application, row: Outbound, attempt: Attempt, now: datetime) -> None:
    row.lookups += 1
    if row.lookups < LOOKUPS:
        row.lease_until = await lease(session, app.quarantine_seconds)
        return
    attempt.state, attempt.updated_at, attempt.code = Delivery.FAILED, now, "the carrier never had it"
    if row.reason == RESENT or row.send_until <= now:
        row.state, row.settled_at = Delivery.FAILED, now
    else:
        row.state, row.reason, row.lookups, row.lease_until = Delivery.READY, RESENT, 0, None
