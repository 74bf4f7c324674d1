"""Twilio's webhooks of calls. A call waits for its next words, so each is handled before it is answered.

The key in an address is our attempt where we called, and the carrier's own name of the call where the client did.
"""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Request, Response

from bot.application import Application
from bot.inbox import keep
from bot.keeping import keepable
from bot.oncall import answered, called, dialed, ended, replied
from bot.routes.webhooks import verified
from bot.statuses import CALL_STATUS
from channels.port import Unreadable
from channels.signatures import TwilioVerifier, form_pairs
from channels.voice import CallEvent, read_call_event, read_call_status


def voice_routes(app: Application, verifier: TwilioVerifier) -> APIRouter:
    """The addresses a call asks for instructions, and where it is reported on."""
    router = APIRouter(prefix="/webhooks/twilio/voice")

    async def event_of(request: Request, step: str) -> tuple[CallEvent, bytes]:
        body = await verified(request, verifier)
        event = read_call_event(dict(form_pairs(body)), step)
        if not (keepable(event.person) and keepable(request.url.path)):
            raise Unreadable("no call has such a number or address")
        return event, body

    @router.post("/inbound")
    async def inbound(request: Request) -> Response:
        event, body = await event_of(request, "inbound")
        return _twiml(await called(app, event, body))

    @router.post("/{attempt}/answer")
    async def answer(request: Request, attempt: UUID) -> Response:
        event, body = await event_of(request, "answer")
        return _twiml(await answered(app, attempt, event, body))

    @router.post("/{key}/turn/{turn}/{again}/{silent}")
    async def turn(request: Request, key: str, turn: int, again: int, silent: int) -> Response:
        event, body = await event_of(request, f"{turn}:{again}:{silent}")
        return _twiml(await replied(app, key, (turn, again, silent), event, body))

    @router.post("/{key}/end/{turn}")
    async def end(request: Request, key: str, turn: int) -> Response:
        event, body = await event_of(request, f"end:{turn}")
        return _twiml(await ended(app, key, event, body))

    @router.post("/{key}/dialed/{turn}")
    async def after_dialing(request: Request, key: str, turn: int) -> Response:
        event, body = await event_of(request, f"dialed:{turn}")
        return _twiml(await dialed(app, key, event, body))

    @router.post("/{attempt}/status")
    async def status(request: Request, attempt: UUID) -> Response:
        body = await verified(request, verifier)
        event = read_call_status(dict(form_pairs(body)), attempt).event
        async with app.database.write() as session:
            await keep(session, CALL_STATUS, event, body, app.clock(), request.url.path)
        return Response(status_code=204)

    return router


def _twiml(document: str) -> Response:
    return Response(document, media_type="text/xml")
