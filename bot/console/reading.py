"""The pages that show things. A GET changes nothing."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy import select

from bot.console.client import Asked, NoSuchClient, client_page, talk_to_answer
from bot.console.console import Console
from bot.console.guard import Visit
from bot.console.inbox import View, inbox, inbox_counts
from bot.console.numbers import numbers
from bot.console.positions import WAITS_FOR
from bot.console.search import Filter, find_clients
from bot.console.takeover import NoSuchTalk
from engine.store.session import ReadSession
from engine.store.tables.portfolio import Client
from engine.store.tables.talk import Conversation


def reading_routes(console: Console) -> APIRouter:
    """For those who are signed in."""
    router = APIRouter(dependencies=[Depends(console.guard.visit)])
    app, pages = console.app, console.pages

    @router.get("/")
    async def overview(request: Request) -> Response:
        async with app.database.read() as session:
            counts = await numbers(session, request.state.visit.now, console.zone)
        board = await console.board.latest()
        frozen = {kind for debts in board.debts.values() for kind, sum_ in debts.frozen.items() if sum_}
        kinds = {kind: word for kind, word in WAITS_FOR.items() if kind in frozen}
        return pages.page(request, "overview", board=board, counts=counts, waits_for=kinds)

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
            shown = await client_page(console, session, visit, client, Asked(row, before))
        return pages.page(request, "inbox", **listed, **shown)

    @router.get("/clients")
    async def show_clients(request: Request, q: str = "", show: Filter = Filter.WORKED, after: int = 0) -> Response:
        kept = Filter.ALL if q.strip() and "show" not in request.query_params else show
        async with app.database.read() as session:
            page = await find_clients(session, q[:200], kept, after, request.state.visit.now)
        return pages.page(request, "clients", page=page, asked=q[:200], kept=kept, filters=list(Filter), after=after)

    @router.get("/clients/{ref}")
    async def show_client(request: Request, ref: str, talk: int = 0, before: str = "", why: str = "") -> Response:
        visit: Visit = request.state.visit
        async with app.database.read() as session:
            client = await session.scalar(select(Client).where(Client.ref == ref))
            if client is None:
                raise NoSuchClient
            asked = Asked(await talk_to_answer(session, client, talk), before, why)
            shown = await client_page(console, session, visit, client, asked)
        return pages.page(request, "client", **shown)

    return router


async def _listed(session: ReadSession, visit: Visit, view: View) -> dict[str, Any]:
    rows = await inbox(session, view, visit.operator, visit.now)
    return {"rows": rows, "view": view, "views": await inbox_counts(session, visit.operator)}
