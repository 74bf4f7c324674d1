"""The timeline of a scenario or a client: what was decided, said, heard and done, in order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select

from engine.decision import NO_STAGE
from engine.money import Money
from engine.store.session import Database
from engine.store.tables.casework import Case, CaseEvent
from engine.store.tables.portfolio import PlanVersion
from engine.store.tables.talk import Author, Conversation, MessageRow, Outbound

SUMS = frozenset({"real_debt", "conditional_debt", "amount", "paid", "granted", "interest", "fee"})
"""What the history keeps in minor units."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line: `at` is the client's local time."""

    at: str
    client: str
    what: str
    text: str


async def timeline(
    database: Database, zones: Mapping[str, ZoneInfo], clients: Mapping[str, int], currency: str
) -> list[Line]:
    """Every line of these clients, oldest first; sums are told in `currency` where a line names no other."""
    names = {number: name for name, number in clients.items()}
    lines: list[tuple[datetime, int, Line]] = []
    async with database.read() as session:
        cases = (
            select(CaseEvent, PlanVersion.terms)
            .outerjoin(Case, Case.id == CaseEvent.case_id)
            .outerjoin(PlanVersion, PlanVersion.id == Case.plan_id)
            .order_by(CaseEvent.id)
        )
        for event, terms in await session.execute(cases):
            name = names[event.client_id]
            line = Line(_local(event.at, zones[name]), name, event.kind, _told(event.detail, terms, currency))
            lines.append((event.at, event.id, line))
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


def _told(detail: Mapping[str, Any], terms: Mapping[str, Any] | None, currency: str) -> str:
    """What a line of history holds, for a reader: stages by name and sums in major units; nothing said of nothing."""
    told = {key: value for key, value in detail.items() if value is not None}
    for key in SUMS & told.keys():
        told[key] = Money(int(told[key]), told.get("currency", currency)).major
    if terms is not None and isinstance(stage := told.get("stage"), int):
        told["stage"] = "none" if stage == NO_STAGE else terms["stages"][stage]["stage"]
    return ", ".join(f"{key} {value}" for key, value in told.items())


def _unspoken(content: Mapping[str, Any]) -> str:
    """A reply without words: a button, or keys."""
    return f"#{content['digits']}" if "digits" in content else f"[{content.get('option', '')}]"


def _local(at: datetime, zone: ZoneInfo) -> str:
    return at.astimezone(zone).strftime("%Y-%m-%d %H:%M")
