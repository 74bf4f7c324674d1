"""The inbox: conversations that need a person or have one, longest waiting first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeVarTuple

from sqlalchemy import Select, func, select
from sqlalchemy.orm import aliased

from bot.console.access import Operator
from bot.console.standings import Standing, standings
from engine.store.session import ReadSession
from engine.store.tables.people import Custody, User
from engine.store.tables.portfolio import Client
from engine.store.tables.talk import Author, Conversation, MessageRow, Owner

MOST = 100
Columns = TypeVarTuple("Columns")


class View(StrEnum):
    """Which conversations the inbox shows."""

    WAITING = "waiting"
    MINE = "mine"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Row:
    """One conversation of the list. `last` is what a person said last; `holder` is None while it waits."""

    talk: int
    client: str
    name: str
    channel: str
    language: str
    owner: str
    holder: str | None
    author: str
    last: str | None
    last_at: datetime
    standing: Standing | None


async def inbox(session: ReadSession, view: View, who: Operator, now: datetime) -> Sequence[Row]:
    """The conversations of a view, at most a hundred: the longest waiting come first."""
    newest = aliased(MessageRow)
    from_people = func.max(newest.id).filter(newest.author != Author.BOT)
    last = select(func.coalesce(from_people, func.max(newest.id))).where(newest.conversation_id == Conversation.id)
    statement = (
        select(Conversation, Client, MessageRow.author, MessageRow.text, User.name)
        .join(Client, Client.id == Conversation.client_id)
        .outerjoin(MessageRow, MessageRow.id == last.scalar_subquery())
        .outerjoin(Custody, Custody.conversation_id == Conversation.id)
        .outerjoin(User, User.id == Custody.user_id)
        .order_by(Conversation.last_at, Conversation.id)
        .limit(MOST)
    )
    rows = (await session.execute(_of(statement, view, who))).all()
    stand = await standings(session, sorted({client.id for _, client, *_ in rows}), now)
    return [
        Row(
            talk=talk.id,
            client=client.ref,
            name=client.name,
            channel=talk.channel,
            language=talk.language,
            owner=talk.owner,
            holder=holder,
            author=author or "",
            last=said,
            last_at=talk.last_at,
            standing=stand.get(client.id),
        )
        for talk, client, author, said, holder in rows
    ]


async def inbox_counts(session: ReadSession, who: Operator) -> Mapping[View, int]:
    """How many conversations each view holds."""
    counts = {}
    for view in View:
        statement = _of(select(func.count(Conversation.id)).outerjoin(Custody), view, who)
        counts[view] = int(await session.scalar(statement) or 0)
    return counts


async def waiting(session: ReadSession) -> tuple[int, datetime | None]:
    """How many conversations wait for a person, and since when the first of them does."""
    row = (
        await session.execute(
            select(func.count(), func.min(Conversation.last_at)).where(Conversation.owner == Owner.WAITING)
        )
    ).one()
    return row[0], row[1]


def _of(statement: Select[*Columns], view: View, who: Operator) -> Select[*Columns]:
    match view:
        case View.WAITING:
            return statement.where(Conversation.owner == Owner.WAITING)
        case View.MINE:
            return statement.where(Conversation.owner == Owner.OPERATOR, Custody.user_id == who.id)
        case View.ALL:
            return statement.where(Conversation.owner != Owner.BOT)
