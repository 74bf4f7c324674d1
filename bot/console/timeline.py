"""The one timeline of a client: what was said on any channel, what the engine did, and what was paid."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select

from bot.console.shown import language_name
from bot.traced import BY_PEOPLE, act
from engine.contact import Delivery
from engine.explaining import traces
from engine.money import Money
from engine.store.session import ReadSession
from engine.store.tables.casework import CaseEvent
from engine.store.tables.ledger import Payment
from engine.store.tables.people import User
from engine.store.tables.talk import Author, Conversation, MessageRow, Outbound

PAGE = 60


@dataclass(frozen=True, slots=True)
class Said:
    """One message. `state` and `reason` tell how an outbound one fares; `who` is the operator's name."""

    key: str
    at: datetime
    author: str
    who: str
    talk: int
    channel: str
    language: str
    script: str
    text: str | None
    content: dict[str, Any]
    state: Delivery | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class Act:
    """Something the engine, an operator or billing did: `kind` and `detail` as the history keeps them.

    `says` is the sentence of what a person did to the work; empty for all else.
    """

    key: str
    at: datetime
    kind: str
    detail: dict[str, Any]
    sum: Money | None
    says: str


@dataclass(frozen=True, slots=True)
class Paid:
    """A payment of the client."""

    key: str
    at: datetime
    sum: Money
    status: str
    source: str


Item = Said | Act | Paid


@dataclass(frozen=True, slots=True)
class Timeline:
    """A page of the timeline by days, oldest first; `before` is where the page before it ends, None at the start."""

    days: Sequence[tuple[date, Sequence[Item]]]
    before: datetime | None


async def timeline(session: ReadSession, client: int, before: datetime, zone: ZoneInfo) -> Timeline:
    """The last items up to `before`."""
    items: list[Item] = [
        *await _said(session, client, before),
        *await _acts(session, client, before),
        *await _paid(session, client, before),
    ]
    items.sort(key=lambda item: (item.at, *_order(item)))
    shown = items[-PAGE:]
    days = [(day, list(group)) for day, group in groupby(shown, key=lambda item: item.at.astimezone(zone).date())]
    return Timeline(days, shown[0].at if len(items) > PAGE else None)


def _order(item: Item) -> tuple[bool, int]:
    """Within one moment: what was said, in the order it was said, then what followed from it."""
    return not isinstance(item, Said), int(item.key[1:])


async def _said(session: ReadSession, client: int, before: datetime) -> Iterator[Said]:
    rows = await session.execute(
        select(MessageRow, Conversation, Outbound.state, Outbound.reason)
        .join(Conversation, Conversation.id == MessageRow.conversation_id)
        .outerjoin(Outbound, Outbound.message_id == MessageRow.id)
        .where(Conversation.client_id == client, MessageRow.at <= before)
        .order_by(MessageRow.at.desc(), MessageRow.id.desc())
        .limit(PAGE + 1)
    )
    found = rows.all()
    writers = {row.content["operator"] for row, *_ in found if row.author == Author.OPERATOR}
    names = {user.id: user.name for user in await session.scalars(select(User).where(User.id.in_(writers)))}
    return (
        Said(
            key=f"m{row.id}",
            at=row.at,
            author=row.author,
            who=names.get(row.content.get("operator", 0), ""),
            talk=talk.id,
            channel=talk.channel,
            language=talk.language,
            script=talk.script,
            text=row.text,
            content=row.content,
            state=Delivery(state) if state else None,
            reason=reason,
        )
        for row, talk, state, reason in found
    )


async def _acts(session: ReadSession, client: int, before: datetime) -> Iterator[Act]:
    rows = await session.scalars(
        select(CaseEvent)
        .where(CaseEvent.client_id == client, CaseEvent.at <= before)
        .order_by(CaseEvent.at.desc(), CaseEvent.id.desc())
        .limit(PAGE + 1)
    )
    found = rows.all()
    doers = {row.detail["by"] for row in found if isinstance(row.detail.get("by"), int)}
    names = {user.id: user.name for user in await session.scalars(select(User).where(User.id.in_(doers)))}
    return (_act(row, names) for row in found)


def _act(row: CaseEvent, names: Mapping[int, str]) -> Act:
    detail = {**row.detail, "by": names.get(row.detail.get("by", 0), row.detail.get("by", ""))}
    says = act(traces.Act(row.at, row.kind, row.detail)).rstrip(".") if row.kind in BY_PEOPLE else ""
    return Act(f"a{row.id:012d}", row.at, row.kind, _readable(detail), _sum(detail), says)


async def _paid(session: ReadSession, client: int, before: datetime) -> Iterator[Paid]:
    rows = await session.scalars(
        select(Payment)
        .where(Payment.client_id == client, Payment.paid_at <= before)
        .order_by(Payment.paid_at.desc(), Payment.id.desc())
        .limit(PAGE + 1)
    )
    return (Paid(f"p{row.id}", row.paid_at, Money(row.amount, row.currency), row.status, row.source) for row in rows)


def _sum(detail: dict[str, Any]) -> Money | None:
    amount = detail.get("amount", detail.get("conditional_debt"))
    currency = detail.get("currency")
    return Money(amount, currency) if amount is not None and currency else None


def _readable(detail: dict[str, Any]) -> dict[str, Any]:
    days: dict[str, Any] = {
        name: date.fromisoformat(detail[name]) for name in ("until", "on", "due_on") if detail.get(name)
    }
    detail = {**detail, **days}
    if "language" in detail:
        detail = {**detail, "language": language_name(detail["language"])}
    return detail
