"""The addresses a client opens, and the one the payment provider posts to. A GET changes nothing: previews are safe."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from typing import NamedTuple

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import HTMLResponse, PlainTextResponse, RedirectResponse

from bot.arrivals import PAYMENTS
from bot.inbox import keep
from bot.pay.amounts import typed_amount
from bot.pay.bill import Bill, bill
from bot.pay.checkouts import Intent, MoreThanOwed, OnItsWay, find_checkout, open_page, unbooked
from bot.pay.desk import PayDesk
from bot.pay.links import find_link
from bot.pay.pages import Pages
from bot.pay.provider import ProviderFault
from channels.port import Unreadable
from channels.signatures import NotAForm, form_pairs
from engine.money import BadAmount, Money
from engine.store.tables.portfolio import Client
from engine.store.tables.talk import PayLink

SIGNATURE = "Payment-Signature"
LARGEST_FORM = 4 * 1024
LARGEST_EVENT = 256 * 1024


def router(desk: PayDesk) -> APIRouter:
    """The pay pages and the provider's webhook."""
    counter = _Counter(desk, Pages(desk))
    routes = APIRouter(include_in_schema=False)
    looking = ["GET", "HEAD"]
    routes.add_api_route("/pay/static/{name}", counter.stylesheet, methods=looking)
    routes.add_api_route("/pay/{token}", counter.show, methods=looking, response_class=HTMLResponse)
    routes.add_api_route("/pay/{token}", counter.pay, methods=["POST"], response_class=HTMLResponse)
    routes.add_api_route("/pay/{token}/done", counter.done, methods=looking, response_class=HTMLResponse)
    routes.add_api_route("/webhooks/payments", counter.event, methods=["POST"])
    return routes


@dataclass(frozen=True, slots=True)
class _Visit:
    """Who is at the counter: a link that is ours, and the page's language."""

    token: str
    link: PayLink
    bill: Bill
    language: str
    zone: str

    @property
    def address(self) -> str:
        return f"/pay/{self.token}"


class _Form(NamedTuple):
    amount: str | None
    shown: str | None


class _Counter:
    def __init__(self, desk: PayDesk, pages: Pages) -> None:
        self._desk = desk
        self._pages = pages

    async def stylesheet(self, name: str) -> Response:
        if name != self._pages.stylesheet.name:
            raise HTTPException(404)
        return self._pages.stylesheet.response()

    async def show(self, token: str, request: Request) -> Response:
        visit = await self._visit(token, request)
        if visit is None:
            return self._unknown(request)
        return self._bill(visit)

    async def pay(self, token: str, request: Request) -> Response:
        visit = await self._visit(token, request)
        if visit is None:
            return self._unknown(request)
        asked = visit.bill.asked
        if asked is None:
            return self._go(f"{visit.address}?lang={visit.language}")
        form = _form(await _body(request, LARGEST_FORM))
        try:
            amount = asked.amount if form.amount is None else typed_amount(form.amount, visit.link.currency)
        except BadAmount:
            return self._bill(visit, 422, problem="not_an_amount", typed=form.amount)
        if form.shown not in (None, visit.bill.shown):
            return self._bill(visit, 409, problem="changed")
        return await self._open(visit, amount, form.amount)

    async def _open(self, visit: _Visit, amount: Money, typed: str | None) -> Response:
        intent = Intent(
            amount=amount,
            back=self._desk.public_url.rstrip("/") + visit.address,
            description=self._pages.description(visit.language),
            language=visit.language,
            asked=typed is None,
        )
        try:
            return self._go(await open_page(self._desk, visit.link, intent))
        except MoreThanOwed as error:
            return self._bill(visit, 422, problem="more_than_owed", most=error.most, typed=typed)
        except OnItsWay as error:
            context = {"address": visit.address, "arriving": error.arriving, "most": error.most}
            return self._pages.page("arriving", visit.language, 409, **context)
        except ProviderFault:
            return self._pages.page("unavailable", visit.language, 503, address=visit.address)

    async def done(self, token: str, request: Request) -> Response:
        visit = await self._visit(token, request)
        if visit is None:
            return self._unknown(request)
        async with self._desk.database.read() as session:
            row = await find_checkout(session, visit.link, request.query_params.get("checkout", ""))
        if row is None:
            return self._go(f"{visit.address}?lang={visit.language}")
        arriving = False
        if row.paid_at is None:
            with suppress(ProviderFault):
                arriving = await unbooked(self._desk, row)
        return self._pages.page(
            "done",
            visit.language,
            state="booked" if row.paid_at else "arriving" if arriving else "waiting",
            address=visit.address,
            keep=f"checkout={row.id}&",
            amount=Money(row.amount, visit.link.currency),
            paid_at=row.paid_at,
            zone=visit.zone,
            left=visit.bill.total,
            credit=visit.bill.credit,
            reference=str(row.id)[:8].upper(),
        )

    async def event(self, request: Request) -> Response:
        raw = await _body(request, LARGEST_EVENT)
        now = self._desk.now()
        try:
            event = self._desk.provider.read_event(raw, request.headers.get(SIGNATURE), now)
            number = event.id if event else None
        except Unreadable:
            # Signed, so it matters: kept under its digest for a person to look at.
            number = f"unreadable:{sha256(raw).hexdigest()}"
        if number is None:
            return PlainTextResponse("the signature is missing or wrong\n", 403)
        async with self._desk.database.write() as session:
            await keep(session, PAYMENTS, number, raw, now)
        return PlainTextResponse("kept\n")

    async def _visit(self, token: str, request: Request) -> _Visit | None:
        async with self._desk.database.read() as session:
            link = await find_link(session, token)
            if link is None:
                return None
            client = await session.get_one(Client, link.client_id)
            due = await bill(session, link.client_id, link.currency, self._desk.now())
        return _Visit(token, link, due, self._language(request, client.language), client.timezone)

    def _language(self, request: Request, stored: str = "") -> str:
        accepted = request.headers.get("Accept-Language", "")
        return self._pages.language(request.query_params.get("lang", ""), stored, accepted)

    def _bill(
        self,
        visit: _Visit,
        status: int = 200,
        *,
        problem: str = "",
        typed: str | None = None,
        most: Money | None = None,
    ) -> Response:
        if visit.bill.asked is None:
            return self._pages.page("paid", visit.language, status, bill=visit.bill, zone=visit.zone)
        context = {"bill": visit.bill, "address": visit.address, "problem": problem, "typed": typed or "", "most": most}
        return self._pages.page("pay", visit.language, status, **context)

    def _unknown(self, request: Request) -> Response:
        return self._pages.page("unknown", self._language(request), 404)

    def _go(self, url: str) -> Response:
        return RedirectResponse(url, 303, headers=dict(self._pages.headers))


def _form(body: bytes) -> _Form:
    """The fields of the pay form. A body that is no form asks for an amount that is none."""
    try:
        fields = dict(form_pairs(body))
    except NotAForm:
        return _Form("", None)
    return _Form(fields.get("amount"), fields.get("shown"))


async def _body(request: Request, most: int) -> bytes:
    """The body as it came, as long as it is no longer than anything honest."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > most:
            raise HTTPException(413, f"the body is longer than {most} bytes")
    return body
