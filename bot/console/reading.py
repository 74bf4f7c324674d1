"""The pages that show things. A GET changes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from secrets import token_urlsafe
from typing import Any

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy import select

from bot.console.console import Console
from bot.console.dossier import WAITS_FOR, dossier
from bot.console.guard import Visit
from bot.console.inbox import View, inbox, inbox_counts
from bot.console.numbers import numbers
from bot.console.search import Filter, find_clients
from bot.console.takeover import NoSuchTalk, can_write, draft_of, holding
from bot.console.timeline import timeline
from engine.calendar import local_day, zone
from engine.store.session import ReadSession
from engine.store.tables.portfolio import Client
from engine.store.tables.talk import Conversation, Owner


class NoSuchClient(LookupError):
    """There is no client of that number. The list of clients can be searched by name, account, phone and mail."""


@dataclass(frozen=True, slots=True)
class Voice:
    """A conversation of the client that can be answered: who holds it, and as what the visitor may act."""

    talk: Conversation
    holder: str | None
    since: datetime | None
    epoch: int
    state: str
    writable: bool


def reading_routes(console: Console) -> APIRouter:
    """For those who are signed in."""
    router = APIRouter(dependencies=[Depends(console.guard.visit)])
    app, pages = console.app, console.pages

    @router.get("/")
    async def overview(request: Request) -> Response:
        async with app.database.read() as session:
            counts = await numbers(session, request.state.visit.now, console.zone)
        return pages.page(request, "overview", board=await console.board.latest(), counts=counts, waits_for=WAITS_FOR)

    @router.get("/inbox/{view}")
    async def show_inbox(request: Request, view: View) -> Response:
        async with app.database.read() as session:
            listed = await _listed(session, request.state.visit, view)
        return pages.page(request, "inbox", **listed, voice=None)

    @router.get("/inbox/{view}/{talk}")
    async def show_talk(request: Request, view: View, talk: int, before: str = "") -> Response:
        visit: Visit = request.state.visit
        async with app.database.read() as session:
            row = await session.get(Conversation, talk)
            if row is None:
                raise NoSuchTalk
            listed = await _listed(session, visit, view)
            client = await session.get_one(Client, row.client_id)
            shown = await _shown(console, session, visit, client, row, before)
        return pages.page(request, "inbox", **listed, **shown)

    @router.get("/clients")
    async def show_clients(request: Request, q: str = "", show: Filter = Filter.WORKED, after: int = 0) -> Response:
        kept = Filter.ALL if q.strip() and "show" not in request.query_params else show
        async with app.database.read() as session:
            page = await find_clients(session, q[:200], kept, after, request.state.visit.now)
        return pages.page(request, "clients", page=page, asked=q[:200], kept=kept, filters=list(Filter), after=after)

    @router.get("/clients/{ref}")
    async def show_client(request: Request, ref: str, talk: int = 0, before: str = "") -> Response:
        visit: Visit = request.state.visit
        async with app.database.read() as session:
            client = await session.scalar(select(Client).where(Client.ref == ref))
            if client is None:
                raise NoSuchClient
            row = await _talk(session, client, talk, visit)
            shown = await _shown(console, session, visit, client, row, before)
        return pages.page(request, "client", **shown)

    return router


async def _listed(session: ReadSession, visit: Visit, view: View) -> dict[str, Any]:
    rows = await inbox(session, view, visit.operator, visit.now)
    return {"rows": rows, "view": view, "views": await inbox_counts(session, visit.operator)}


async def _shown(
    console: Console, session: ReadSession, visit: Visit, client: Client, talk: Conversation | None, before: str
) -> dict[str, Any]:
    today = local_day(visit.now, zone(client.timezone))
    return {
        "file": await dossier(session, client, today, visit.now),
        "timeline": await timeline(session, client.id, _moment(before) or visit.now, console.zone),
        "earlier": bool(_moment(before)),
        "voice": await _voice(console, session, talk, visit) if talk else None,
        "open_talks": await _open_talks(session, client),
        "draft": await draft_of(session, talk.id, visit.operator) if talk else "",
        "once": token_urlsafe(12),
        "waits_for": WAITS_FOR,
    }


async def _voice(console: Console, session: ReadSession, talk: Conversation, visit: Visit) -> Voice:
    held = await holding(session, talk.id)
    state = {Owner.BOT: "bot", Owner.WAITING: "waiting"}.get(Owner(talk.owner), "other")
    if state == "other" and held.user == visit.operator.id:
        state = "mine"
    return Voice(talk, held.name, held.since, held.epoch, state, can_write(console.app, talk.channel))


async def _talk(session: ReadSession, client: Client, wanted: int, visit: Visit) -> Conversation | None:
    """The conversation to answer in: the one asked for, else one that needs a person, else the latest."""
    talks = (
        await session.scalars(
            select(Conversation).where(Conversation.client_id == client.id).order_by(Conversation.last_at.desc())
        )
    ).all()
    asked = next((talk for talk in talks if talk.id == wanted), None)
    return asked or next((talk for talk in talks if talk.owner != Owner.BOT), talks[0] if talks else None)


async def _open_talks(session: ReadSession, client: Client) -> list[Conversation]:
    statement = select(Conversation).where(Conversation.client_id == client.id, Conversation.owner != Owner.BOT)
    return list(await session.scalars(statement.order_by(Conversation.last_at.desc())))


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else None
