"""The timeline of a scenario or a client: what was decided, said, heard and done, in order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select

from engine.store.session import Database
from engine.store.tables.casework import CaseEvent
from engine.store.tables.talk import Author, Conversation, MessageRow, Outbound


@dataclass(frozen=True, slots=True)
class Line:
    """One line: `at` is the client's local time."""

    at: str
    client: str
    what: str
    text: str


async def timeline(database: Database, zones: Mapping[str, ZoneInfo], clients: Mapping[str, int]) -> list[Line]:
    """Every line of these clients, oldest first."""
    names = {number: name for name, number in clients.items()}
    lines: list[tuple[datetime, int, Line]] = []
    async with database.read() as session:
        for event in await session.scalars(select(CaseEvent).order_by(CaseEvent.id)):
            name = names[event.client_id]
            text = ", ".join(f"{key} {value}" for key, value in event.detail.items())
            lines.append((event.at, event.id, Line(_local(event.at, zones[name]), name, event.kind, text)))
        said = (
            select(MessageRow, Conversation, Outbound.state)
            .join(Conversation, Conversation.id == MessageRow.conversation_id)
            .outerjoin(Outbound, Outbound.message_id == MessageRow.id)
            .order_by(MessageRow.id)
        )
        for message, talk, state in await session.execute(said):
            name = names[talk.client_id]
            what = f"says by {talk.channel}" if message.author == Author.CLIENT else f"{talk.channel} {state or 'said'}"
            line = Line(_local(message.at, zones[name]), name, what, message.text or _unspoken(message.content))
            lines.append((message.at, message.id, line))
    return [line for _, _, line in sorted(lines, key=lambda one: one[:2])]


def _unspoken(content: Mapping[str, Any]) -> str:
    """A reply without words: a button, or keys."""
    return f"#{content['digits']}" if "digits" in content else f"[{content.get('option', '')}]"


def _local(at: datetime, zone: ZoneInfo) -> str:
    return at.astimezone(zone).strftime("%Y-%m-%d %H:%M")
