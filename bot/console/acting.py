"""What operators do: take over, answer, hand back. Each answers with the page to look at next."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from bot.console.console import Console
from bot.console.guard import Visit
from bot.console.signing import inside
from bot.console.takeover import HeldBy, NothingToSay, NoWriting, answer, hand_back, save_draft, take_over


def acting_routes(console: Console) -> APIRouter:
    """For those who are signed in; the guard has checked that our own page sent the form."""
    router = APIRouter(dependencies=[Depends(console.guard.visit)])
    app, pages = console.app, console.pages

    @router.post("/talks/{talk}/take-over")
    async def take(request: Request, talk: int) -> Response:
        visit: Visit = request.state.visit
        epoch = visit.form.get("epoch", "")
        try:
            async with app.database.write() as session:
                seen = int(epoch) if epoch.isdecimal() else -1
                await take_over(session, talk, visit.operator, seen, visit.now)
        except HeldBy as held:
            return pages.page(request, "held", 409, held=held, back=_back(visit), doing="take over")
        return _see(visit, "#words")

    @router.post("/talks/{talk}/answer")
    async def reply(request: Request, talk: int) -> Response:
        visit: Visit = request.state.visit
        words = visit.form.get("words", "")
        try:
            async with app.database.write() as session:
                await answer(session, app, talk, visit.operator, words, visit.form.get("once", ""), visit.now)
        except HeldBy as held:
            return pages.page(request, "held", 409, held=held, back=_back(visit), doing="answer", words=words)
        except (NothingToSay, NoWriting) as refused:
            sentence = type(refused).__doc__ or ""
            return pages.page(request, "error", 422, title="Not sent", sentence=sentence, back=_back(visit))
        return _see(visit, "#words")

    @router.post("/talks/{talk}/hand-back")
    async def back(request: Request, talk: int) -> Response:
        visit: Visit = request.state.visit
        try:
            async with app.database.write() as session:
                await hand_back(session, talk, visit.operator, visit.now)
        except HeldBy as held:
            return pages.page(request, "held", 409, held=held, back=_back(visit), doing="hand back")
        return _see(visit)

    @router.post("/talks/{talk}/draft")
    async def draft(request: Request, talk: int) -> Response:
        visit: Visit = request.state.visit
        async with app.database.write() as session:
            await save_draft(session, talk, visit.operator, visit.form.get("words", ""), visit.now)
        return Response(status_code=204)

    return router


def _back(visit: Visit) -> str:
    return inside(visit.form.get("to", ""))


def _see(visit: Visit, part: str = "") -> Response:
    return RedirectResponse(_back(visit) + part, 303)
