"""The API for the systems around Amiable: orders are read here, and what became of them is told (docs/integration.md).

Answers are JSON; one that refuses says what is wrong, where, and what to do about it.
"""

from __future__ import annotations

import hmac
import json
import re
from typing import Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse

from bot.application import Application
from bot.routes.webhooks import TooLarge, body_of
from engine.store.tables.casework import OrderOutcome, ServiceOrder
from engine.work.orders import (
    LONGEST,
    MOST,
    Acknowledgement,
    Contradicted,
    NoSuchOrder,
    OpenOrder,
    acknowledge,
    open_orders,
)

LARGEST = 16 * 1024
LARGEST_ID = 2**63 - 1
UNPRINTED = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")
FIELDS = ("outcome", "reference", "note")
OUTCOMES = ", ".join(f'"{outcome}"' for outcome in OrderOutcome)
OFF = "set AMIABLE_API_TOKEN to a secret of at least 32 characters and start again"


class Refused(Exception):
    """The request is not carried out. `place` is the parameter or field that is wrong."""

    def __init__(self, status: int, error: str, remedy: str, place: str = "") -> None:
        super().__init__(error)
        self.status, self.content = status, {"error": error, "place": place, "remedy": remedy}

    def response(self) -> Response:
        """As JSON; where a token is missing it says which kind."""
        content = {name: value for name, value in self.content.items() if value}
        return JSONResponse(content, self.status, {"WWW-Authenticate": "Bearer"} if self.status == 401 else None)


async def refused(_request: Request, error: Exception) -> Response:
    """The handler of Refused."""
    assert isinstance(error, Refused)  # noqa: S101 - it is registered for nothing else
    return error.response()


def api_routes(app: Application, token: str) -> APIRouter:
    """For whoever shows `token`; without one the API is off."""

    async def known(request: Request) -> None:
        if not token:
            raise Refused(404, "the API is off", OFF)
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        shown = given.strip() if scheme.lower() == "bearer" else ""
        if not hmac.compare_digest(shown.encode(), token.encode()):
            raise Refused(401, "the token is missing or wrong", "send the header Authorization: Bearer TOKEN")

    router = APIRouter(prefix="/api", dependencies=[Depends(known)])

    @router.get("/orders")
    async def orders(request: Request) -> Response:
        after, limit = _number(request, "after", 0, 0, LARGEST_ID), _number(request, "limit", 100, 1, MOST)
        async with app.database.read() as session:
            found = await open_orders(session, app.clock(), after=after, limit=limit)
        return JSONResponse([_order(one) for one in found])

    @router.post("/orders/{number}")
    async def told(request: Request, number: str) -> Response:
        said = _acknowledgement(await _body(request))
        try:
            async with app.database.write() as session:
                booked = await acknowledge(session, _order_number(number), said, app.clock())
        except NoSuchOrder:
            raise _unknown(number) from None
        except Contradicted as error:
            raise Refused(409, f"order {number} is {error}", "leave it, or let a person put it right") from None
        return JSONResponse(_booked(booked))

    return router


async def _body(request: Request) -> bytes:
    try:
        return await body_of(request, LARGEST)
    except TooLarge:
        raise Refused(413, f"the body is larger than {LARGEST} bytes", "shorten the note") from None


def _unknown(number: str) -> Refused:
    return Refused(404, f"there is no order {number[:40]}", "take the numbers from GET /api/orders", "id")


def _order_number(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 20) or int(text) > LARGEST_ID:
        raise _unknown(text)
    return int(text)


def _number(request: Request, name: str, default: int, least: int, most: int) -> int:
    text = request.query_params.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdecimal() and len(text) < 20) or not least <= int(text) <= most:
        raise Refused(422, f"'{text[:40]}' is not a whole number in range", f"write {least} to {most}", name)
    return int(text)


def _acknowledgement(body: bytes) -> Acknowledgement:
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        raise Refused(400, "the body is not JSON", f'write {{"outcome": {OUTCOMES.replace(", ", " or ")}}}') from None
    if not isinstance(content, dict):
        raise Refused(
            422, "the body is not a JSON object", 'write {"outcome": "done", "reference": "...", "note": "..."}'
        )
    for name in content:
        if name not in FIELDS:
            raise Refused(
                422, f"'{name[:40]}' is not a field of an acknowledgement", f"use {', '.join(FIELDS)}", name[:40]
            )
    outcome = content.get("outcome")
    if outcome not in list(OrderOutcome):
        raise Refused(422, "the outcome is missing or unknown", f"write one of {OUTCOMES}", "outcome")
    return Acknowledgement(OrderOutcome(outcome), _text(content, "reference"), _text(content, "note"))


def _text(content: dict[str, Any], name: str) -> str | None:
    value = content.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or len(value) > LONGEST or UNPRINTED.search(value):
        raise Refused(
            422, f"the {name} is not a text of at most {LONGEST} characters", "shorten it or leave it out", name
        )
    return value.strip() or None


def _order(one: OpenOrder) -> dict[str, Any]:
    return {
        "id": one.id,
        "order": one.verb,
        "client": one.client,
        "account": one.account,
        "service": one.service,
        "provider": one.provider,
        "plan": one.plan,
        "stage": one.stage,
        "owed": {"amount": str(one.owed.major), "currency": one.owed.currency},
        "ordered_at": one.ordered_at.isoformat(),
    }


def _booked(order: ServiceOrder) -> dict[str, Any]:
    return {
        "id": order.id,
        "order": order.verb,
        "outcome": order.outcome,
        "reference": order.reference,
        "note": order.note,
        "acknowledged_at": order.acknowledged_at and order.acknowledged_at.isoformat(),
    }
