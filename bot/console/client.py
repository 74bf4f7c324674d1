"""All that a page about one client is given: the facts, the one timeline, the conversation to answer in, and why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from secrets import token_urlsafe
from typing import Any

from sqlalchemy import select

from bot.console import choices
from bot.console.agreeing import proposals
from bot.console.books import books
from bot.console.console import Console
from bot.console.deviating import scripts_to_send
from bot.console.dossier import dossier
from bot.console.guard import Visit
from bot.console.positions import WAITS_FOR
from bot.console.reasoning import reasoning
from bot.console.takeover import can_write, draft_of, holding
from bot.console.timeline import timeline
from bot.console.work import client_work
from engine.calendar import local_day, zone
from engine.store.session import ReadSession
from engine.store.tables.portfolio import Client
from engine.store.tables.talk import Conversation, Owner


class NoSuchClient(LookupError):
    """There is no client of that number. The list of clients can be searched by name, account, phone and mail."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the address of the page asks for: a conversation, an older page of the timeline, a day to explain."""

    talk: Conversation | None = None
    before: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class Voice:
    """A conversation of the client that can be answered: who holds it, and as what the visitor may act."""

    talk: Conversation
    holder: str | None
    since: datetime | None
    epoch: int
    state: str
    writable: bool


async def client_page(
    console: Console,
    session: ReadSession,
    visit: Visit,
    client: Client,
    asked: Asked | None = None,
    refusal: object | None = None,
) -> dict[str, Any]:
    """What the templates of a client need. `refusal` is a form that was not carried out."""
    asked = asked or Asked(await talk_to_answer(session, client, 0))
    today, talk = local_day(visit.now, zone(client.timezone)), asked.talk
    return {
        "file": await dossier(session, client, today, visit.now),
        "books": await books(session, client),
        "proposals": await proposals(session, client, today, visit.now),
        "scripts": await scripts_to_send(session, console.app, client, visit.now),
        "channels": list(console.app.channels),
        "choices": choices,
        "timeline": await timeline(session, client.id, _moment(asked.before) or visit.now, console.zone),
        "earlier": bool(_moment(asked.before)),
        "voice": await _voice(console, session, talk, visit) if talk else None,
        "open_talks": await _open_talks(session, client),
        "draft": await draft_of(session, talk.id, visit.operator) if talk else "",
        "once": token_urlsafe(12),
        "why": await reasoning(session, client.ref, asked.why, visit.now),
        "pending": await client_work(session, client, today, visit.now),
        "waits_for": WAITS_FOR,
        "refusal": refusal,
    }


async def talk_to_answer(session: ReadSession, client: Client, wanted: int) -> Conversation | None:
    """The conversation to answer in: the one asked for, else one that needs a person, else the latest."""
    talks = (
        await session.scalars(
            select(Conversation).where(Conversation.client_id == client.id).order_by(Conversation.last_at.desc())
        )
    ).all()
    asked = next((talk for talk in talks if talk.id == wanted), None)
    return asked or next((talk for talk in talks if talk.owner != Owner.BOT), talks[0] if talks else None)


async def _voice(console: Console, session: ReadSession, talk: Conversation, visit: Visit) -> Voice:
    held = await holding(session, talk.id)
    state = {Owner.BOT: "bot", Owner.WAITING: "waiting"}.get(Owner(talk.owner), "other")
    if state == "other" and held.user == visit.operator.id:
        state = "mine"
    return Voice(talk, held.name, held.since, held.epoch, state, can_write(console.app, talk.channel))


async def _open_talks(session: ReadSession, client: Client) -> list[Conversation]:
    statement = select(Conversation).where(Conversation.client_id == client.id, Conversation.owner != Owner.BOT)
    return list(await session.scalars(statement.order_by(Conversation.last_at.desc())))


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else None
