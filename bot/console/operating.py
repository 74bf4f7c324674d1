"""The operations page, and what people do there about parked messages and events, and about gaps."""

from __future__ import annotations

from enum import StrEnum

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from bot.console.console import Console
from bot.console.guard import Visit
from bot.console.operations import operations
from bot.console.parked import close_gap, give_events_up, give_up, try_again, try_events_again
from engine.work.worklist import Worker

PAGE = "/console/operations"


class Deed(StrEnum):
    """What may be done about what is parked."""

    AGAIN = "again"
    GIVE_UP = "give-up"


def operating_routes(console: Console) -> APIRouter:
    """For those who are signed in; the guard has checked that our own page sent the form."""
    router = APIRouter(dependencies=[Depends(console.guard.visit)])
    app, pages = console.app, console.pages

    @router.get("/operations")
    async def show(request: Request) -> Response:
        async with app.database.read() as session:
            seen = await operations(session, app, request.state.visit.now)
        return pages.page(request, "operations", ops=seen, begins=f"{app.decide_at:%H:%M}")

    @router.post("/parked/messages/{number}/{deed}")
    async def message(request: Request, number: int, deed: Deed) -> Response:
        visit: Visit = request.state.visit
        who = Worker(visit.operator.id, visit.operator.name)
        async with app.database.write() as session:
            if deed is Deed.AGAIN:
                await try_again(session, number, who, visit.now)
            else:
                await give_up(session, number, _reason(visit), who, visit.now)
        return _see()

    @router.post("/parked/events/{newest}/{deed}")
    async def events(request: Request, newest: int, deed: Deed) -> Response:
        visit: Visit = request.state.visit
        who = Worker(visit.operator.id, visit.operator.name)
        async with app.database.write() as session:
            if deed is Deed.AGAIN:
                await try_events_again(session, newest, who)
            else:
                await give_events_up(session, newest, _reason(visit), who)
        return _see()

    @router.post("/gaps/{number}/close")
    async def gap(request: Request, number: int) -> Response:
        visit: Visit = request.state.visit
        async with app.database.write() as session:
            await close_gap(session, number, _reason(visit), Worker(visit.operator.id, visit.operator.name), visit.now)
        return _see("records")

    return router


def _reason(visit: Visit) -> str:
    return " ".join(visit.form.get("reason", "").replace("\0", "").split())


def _see(part: str = "parked") -> Response:
    return RedirectResponse(f"{PAGE}#{part}", 303)
