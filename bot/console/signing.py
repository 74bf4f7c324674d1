"""Signing in and out, and the switch between light and dark."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy import select

from bot.console.access import LONGEST, end_session, link_is_good, open_session, use_link
from bot.console.console import Console
from bot.console.pages import LOOK_COOKIE, look_of
from engine.store.tables.people import User

HOME = "/console/"
SIGN_IN = "/console/sign-in"
YEAR = 365 * 24 * 3600


def signing_routes(console: Console) -> APIRouter:
    """Open to everybody; what changes anything asks where the request came from."""
    router = APIRouter()
    app, guard, pages = console.app, console.guard, console.pages

    @router.get("/sign-in")
    async def show_sign_in(request: Request, ended: str = "", to: str = "") -> Response:
        return pages.page(request, "sign_in", ended=bool(ended), to=inside(to), wrong=False, login="")

    @router.post("/sign-in")
    async def sign_in(request: Request) -> Response:
        form = await guard.posted(request)
        login, now = form.get("login", "").strip().lower()[:200], app.clock()
        async with app.database.read() as session:
            user = await session.scalar(select(User).where(User.login == login, User.disabled_at.is_(None)))
        keys = f"login:{login}", f"address:{request.client.host if request.client else ''}"
        if not await console.passwords.right(user.password if user else None, form.get("password", "")) or user is None:
            await asyncio.sleep(console.patience.failed(keys, now))
            to = inside(form.get("to", ""))
            return pages.page(request, "sign_in", 401, ended=False, to=to, wrong=True, login=login)
        console.patience.succeeded(keys)
        return await _enter(user.id, inside(form.get("to", "")))

    @router.get("/enter/{token}")
    async def show_link(request: Request, token: str) -> Response:
        async with app.database.read() as session:
            good = await link_is_good(session, token, app.clock())
        return pages.page(request, "enter", 200 if good else 410, good=good)

    @router.post("/enter/{token}")
    async def enter(request: Request, token: str) -> Response:
        await guard.posted(request)
        async with app.database.write() as session:
            user = await use_link(session, token, app.clock())
        if user is None:
            return pages.page(request, "enter", 410, good=False)
        return await _enter(user, HOME)

    async def _enter(user: int, to: str) -> Response:
        async with app.database.write() as session:
            token = await open_session(session, user, app.clock())
        response = RedirectResponse(to, 303)
        response.set_cookie(
            guard.cookie,
            token,
            max_age=int(LONGEST.total_seconds()),
            path="/",
            secure=guard.secure,
            httponly=True,
            samesite="lax",
        )
        return response

    return router


def leaving_routes(console: Console) -> APIRouter:
    """For those who are signed in."""
    router = APIRouter(dependencies=[Depends(console.guard.visit)])

    @router.post("/sign-out")
    async def sign_out(request: Request) -> Response:
        async with console.app.database.write() as session:
            await end_session(session, request.cookies[console.guard.cookie])
        response = RedirectResponse(SIGN_IN, 303)
        response.delete_cookie(
            console.guard.cookie, path="/", secure=console.guard.secure, httponly=True, samesite="lax"
        )
        return response

    @router.post("/look")
    async def switch_look(request: Request) -> Response:
        response = RedirectResponse(inside(request.state.visit.form.get("to", "")), 303)
        response.set_cookie(
            LOOK_COOKIE,
            look_of(request).following,
            max_age=YEAR,
            path="/console",
            secure=console.guard.secure,
            httponly=True,
            samesite="lax",
        )
        return response

    return router


def inside(address: str) -> str:
    """The address if it is one of the console's pages, else its home: nobody is sent elsewhere by a link."""
    plain = address.isascii() and address.isprintable() and "\\" not in address and "//" not in address
    return address if plain and address.startswith(HOME) and not address.startswith(SIGN_IN) else HOME
