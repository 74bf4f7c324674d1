"""The web application: webhooks, pay pages and health, put together. Errors become statuses here and only here."""

from __future__ import annotations

from fastapi import FastAPI, Request, Response
from fastapi.responses import PlainTextResponse, RedirectResponse
from sqlalchemy import text
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from bot.application import Application
from bot.console.application import Room, console_application
from bot.pay.desk import PayDesk
from bot.pay.pages import Pages
from bot.pay.routes import router as pay_routes
from bot.routes.api import Refused, api_routes, refused
from bot.routes.stopping import stopping_routes
from bot.routes.telegram import NotJson, telegram_routes
from bot.routes.voice import voice_routes
from bot.routes.webhooks import REFUSALS, webhook_routes
from channels.signatures import TwilioVerifier
from engine.contact import ChannelKind


def web_application(
    app: Application,
    verifier: TwilioVerifier,
    desk: PayDesk,
    telegram_secret: str = "",
    phones: Room | None = None,
    api_token: str = "",
) -> FastAPI:
    """The ASGI application; `phones` are the demo's only. Interactive API pages are not for the public listener."""
    web = FastAPI(title="Amiable", docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)
    web.include_router(webhook_routes(app, verifier))
    if telegram_secret:
        web.include_router(telegram_routes(app, telegram_secret))
    if ChannelKind.VOICE in app.channels:
        web.include_router(voice_routes(app, verifier))
    web.include_router(pay_routes(desk))
    web.include_router(stopping_routes(app, Pages(desk)))
    web.include_router(api_routes(app, api_token))
    web.mount("/console", console_application(app, phones))

    @web.get("/console")
    async def console() -> Response:
        return RedirectResponse("/console/")

    @web.get("/health")
    async def health() -> Response:
        async with app.database.read() as session:
            await session.execute(text("select 1"))
        return PlainTextResponse("ok")

    web.add_exception_handler(Refused, refused)
    for refusal, status in {**REFUSALS, NotJson: 415}.items():
        web.add_exception_handler(refusal, _answer(status))
    for fault in (OperationalError, SQLAlchemyError, OSError):
        web.add_exception_handler(fault, _answer(503))
    return web


def _answer(status: int):  # type: ignore[no-untyped-def] # Starlette's handler type fits no single signature
    async def handler(_request: Request, error: Exception) -> Response:
        sentence = (type(error).__doc__ or "").strip() if status < 500 else "Please try again later."
        return PlainTextResponse(sentence, status_code=status, headers={"Retry-After": "30"} if status == 503 else None)

    return handler
