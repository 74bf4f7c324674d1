"""Webhooks: verify, store, answer. What an event means is worked out afterwards, by `bot.inbox`."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from bot.application import Application
from bot.arrivals import SMS
from bot.keeping import Keeper, Posted
from bot.statuses import SMS_STATUS
from channels.port import Unreadable
from channels.signatures import TwilioVerifier, form_pairs
from channels.sms import read_sms, read_status

LARGEST = 64 * 1024
EMPTY_TWIML = '<?xml version="1.0" encoding="UTF-8"?><Response/>'


class Forged(Exception):
    """The request is not signed by the carrier."""


class TooLarge(Exception):
    """The request is larger than any webhook."""


def webhook_routes(app: Application, verifier: TwilioVerifier) -> APIRouter:
    """The addresses Twilio posts to."""
    router, keeper = APIRouter(), Keeper(app.database)

    async def sms(request: Request) -> Response:
        body = await verified(request, verifier)
        event = read_sms(dict(form_pairs(body))).event
        await keeper.keep(Posted(SMS, event, app.clock(), request.url.path, body))
        return Response(EMPTY_TWIML, media_type="text/xml")

    async def status(request: Request) -> Response:
        body = await verified(request, verifier)
        event = read_status(dict(form_pairs(body)), request.path_params["attempt"]).event
        await keeper.keep(Posted(SMS_STATUS, event, app.clock(), request.url.path, body))
        return Response(status_code=204)

    # Plain routes: what FastAPI would read out of a request these read themselves, once it is known who sent it.
    router.add_route("/webhooks/twilio/sms", sms, methods=["POST"])
    router.add_route("/webhooks/twilio/status/{attempt:uuid}", status, methods=["POST"])
    return router


async def body_of(request: Request, largest: int) -> bytes:
    """The whole body, never more than `largest` bytes of it. Raises TooLarge."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > largest:
            raise TooLarge
    return body


async def verified(request: Request, verifier: TwilioVerifier) -> bytes:
    """The body of a request Twilio signed. Raises Forged or TooLarge."""
    body = await body_of(request, LARGEST)
    scope = request.scope
    genuine = verifier.verify(
        scope.get("raw_path") or request.url.path.encode(),
        scope["query_string"],
        body,
        request.headers.get("content-type"),
        request.headers.get("x-twilio-signature"),
    )
    if not genuine:
        raise Forged
    return body


REFUSALS: dict[type[Exception], int] = {Forged: 403, TooLarge: 413, Unreadable: 400}
