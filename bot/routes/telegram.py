"""Telegram's webhook: know the secret, store, answer. Telegram sends an update again until it is answered with 200."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from bot.application import Application
from bot.arrivals import TELEGRAM
from bot.inbox import keep
from bot.polling import PATH
from bot.routes.webhooks import Forged, body_of
from channels.incoming_telegram import update_number
from channels.signatures import is_secret

LARGEST = 1024 * 1024
SECRET_HEADER = "x-telegram-bot-api-secret-token"  # noqa: S105 the name of a header


class NotJson(Exception):
    """Updates come as application/json."""


def telegram_routes(app: Application, secret: str) -> APIRouter:
    """The address Telegram posts to, open to nobody while there is no secret."""
    router = APIRouter()

    @router.post(PATH)
    async def update(request: Request) -> Response:
        if not is_secret(secret, request.headers.get(SECRET_HEADER)):
            raise Forged
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            raise NotJson
        body = await body_of(request, LARGEST)
        number = update_number(body)
        async with app.database.write() as session:
            await keep(session, TELEGRAM, str(number), body, app.clock(), request.url.path)
        return Response()

    return router
