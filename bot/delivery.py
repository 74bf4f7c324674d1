"""How a message fares at its carrier. States only rise in rank, so late and doubled news changes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, select, update

from bot.outreach import try_next_channel
from channels.port import StatusReport
from engine.apply import opt_out
from engine.contact import Delivery
from engine.store.session import WriteSession
from engine.store.tables.portfolio import Address
from engine.store.tables.talk import Attempt, Conversation, Outbound, Owner

NOT_DELIVERED = frozenset({Delivery.FAILED, Delivery.EXPIRED})
SETTLED = NOT_DELIVERED | {Delivery.DELIVERED, Delivery.READ}


@dataclass(frozen=True, slots=True)
class Progress:
    """News of one attempt."""

    state: Delivery
    reference: str | None = None
    code: str = ""
    address_dead: bool = False
    opted_out: bool = False


async def record(session: WriteSession, attempt_id: UUID, news: Progress, now: datetime) -> bool:
    """Raise an attempt and its message to a new state; a failed contact goes on to its next channel.

    False when there is no such attempt. The message's row is the lock for all of its attempts.
    """
    return await _raise(session, Attempt.id == attempt_id, news, now)


async def note_status(session: WriteSession, report: StatusReport, now: datetime) -> bool:
    """Book a carrier's report. False when it concerns no attempt of ours."""
    news = Progress(report.state, report.reference, report.code, report.address_dead, report.opted_out)
    named = Attempt.id == report.attempt if report.attempt else Attempt.reference == report.reference
    return await _raise(session, named, news, now)


async def _raise(session: WriteSession, named: ColumnElement[bool], news: Progress, now: datetime) -> bool:
    statement = select(Attempt, Outbound).join(Outbound, Outbound.id == Attempt.outbound_id).where(named)
    found = (await session.execute(statement.with_for_update(of=Outbound))).one_or_none()
    if found is None:
        return False
    attempt, row = found
    attempt.reference = attempt.reference or news.reference
    if news.state.rank <= Delivery(attempt.state).rank:
        return True
    attempt.state, attempt.updated_at = news.state, now
    attempt.code = news.code or attempt.code
    if news.state.rank > Delivery(row.state).rank:
        row.state = news.state
        row.settled_at = now if news.state in SETTLED else None
        row.reason = news.code or None
    if news.state in NOT_DELIVERED:
        await _failed(session, row, news, now)
    return True


async def _failed(session: WriteSession, row: Outbound, news: Progress, now: datetime) -> None:
    if news.address_dead:
        await _bury(session, row.address_id, now)
    if news.opted_out:
        await opt_out(session, row.address_id, now)
    if row.contact_id is not None:
        await try_next_channel(session, row.contact_id, now)


async def _bury(session: WriteSession, address: int, now: datetime) -> None:
    """Nobody is there any more, whichever clients share the address."""
    of = select(Address.lookup).where(Address.id == address).scalar_subquery()
    await session.execute(
        update(Address).where(Address.lookup == of, Address.dead_since.is_(None)).values(dead_since=now)
    )


async def with_a_person(session: WriteSession, attempt: UUID) -> bool:
    """Whether the talk an attempt opened has been given to a person: nobody is chased by another channel meanwhile."""
    owner = (
        select(Conversation.owner)
        .join(Outbound, Outbound.conversation_id == Conversation.id)
        .join(Attempt, Attempt.outbound_id == Outbound.id)
        .where(Attempt.id == attempt)
    )
    return await session.scalar(owner) not in (None, Owner.BOT)
