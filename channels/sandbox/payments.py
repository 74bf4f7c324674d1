"""A payment provider on loopback: checkouts, a hosted page to pay on, and a signed event when one is paid."""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from functools import cache
from pathlib import Path
from uuid import uuid4

import yaml
from aiohttp import ClientError, web
from babel.numbers import format_currency
from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from channels.sandbox.checkout import (
    BadCheckout,
    Checkout,
    CheckoutStatus,
    NotPaid,
    Payment,
    checkout_asked,
    payment_of,
)
from channels.sandbox.journal import Entry
from channels.sandbox.loopback import HttpCarrier
from channels.sandbox.outbox import Parcel
from channels.signatures import sign_event
from engine.money import Money

EVENTS = "/webhooks/payments"
SIGNATURE_HEADER = "Payment-Signature"
ACKNOWLEDGED_WITHIN = 2.0
PAGES = Path(__file__).parent


class PaymentProvider(HttpCarrier):
    """One merchant at the provider. Events go below `public_url`, signed with `webhook_secret`."""

    def __init__(  # one merchant's particulars, all by name
        self,
        *,
        api_key: str,
        webhook_secret: str,
        now: Callable[[], datetime],
        public_url: str = "",
        events_path: str = EVENTS,
        journal: Path | None = None,
    ) -> None:
        super().__init__(public_url, now, journal)
        self._api_key, self._secret, self._events_path = api_key, webhook_secret, events_path
        self._checkouts: dict[str, Checkout] = {}
        self._by_key: dict[str, str] = {}
        self._payments: dict[str, Payment] = {}

    @property
    def checkouts(self) -> tuple[Checkout, ...]:
        """All checkouts, oldest first."""
        return tuple(self._checkouts.values())

    @property
    def sent(self) -> tuple[Payment, ...]:
        """All payments taken, oldest first; each is told to the application by one event."""
        return tuple(self._payments.values())

    async def pay(self, url: str) -> str:
        """A simulated subscriber presses Pay on the hosted page. Returns where they are sent then. Raises NotPaid."""
        try:
            async with self._session().post(url, allow_redirects=False) as answer:
                if answer.status != 303:
                    raise NotPaid(f"the page answered {answer.status}")
                return answer.headers["Location"]
        except (ClientError, TimeoutError) as error:
            raise NotPaid(f"the page cannot be reached: {type(error).__name__}") from None

    def _routes(self) -> Sequence[web.RouteDef]:
        return [
            web.post("/v1/checkouts", self._create),
            web.get("/v1/checkouts/{id}", self._show),
            web.get("/pay/{id}", self._page),
            web.post("/pay/{id}", self._pay),
        ]

    def _recall(self, entries: list[Entry]) -> None:
        for entry in entries:
            fields = {key: value for key, value in entry.items() if key != "event"}
            if entry["event"] == "checkout":
                at, amount = datetime.fromisoformat(fields.pop("created_at")), int(fields.pop("amount"))
                self._keep(Checkout(**fields, amount=amount, created_at=at))
            elif entry["event"] == "paid":
                checkout, at = self._checkouts[entry["checkout"]], datetime.fromisoformat(entry["at"])
                self._payments[checkout.id] = payment_of(entry["id"], checkout, at)

    def _headers(self, url: str, body: str) -> Mapping[str, str]:
        return {
            "Content-Type": "application/json",
            SIGNATURE_HEADER: sign_event(self._secret, body.encode(), self._now()),
        }

    async def _create(self, request: web.Request) -> web.Response:
        if not self._is_ours(request):
            return _problem(401, "the API key is wrong")
        try:
            checkout = checkout_asked(await request.read(), request.headers.get("Idempotency-Key", ""), self._now())
        except BadCheckout as error:
            return _problem(400, str(error))
        known = self._checkouts.get(self._by_key.get(checkout.key, ""))
        if known is not None:
            if known.terms != checkout.terms:
                return _problem(409, "this Idempotency-Key was used for another checkout")
            return web.json_response(self._resource(known))
        self._keep(checkout)
        record = {name: str(value) for name, value in asdict(checkout).items()}
        self._outbox.owe(record={"event": "checkout", **record, "created_at": checkout.created_at.isoformat()})
        return web.json_response(self._resource(checkout), status=201)

    async def _show(self, request: web.Request) -> web.Response:
        if not self._is_ours(request):
            return _problem(401, "the API key is wrong")
        checkout = self._checkouts.get(request.match_info["id"])
        return web.json_response(self._resource(checkout)) if checkout else _problem(404, "there is no such checkout")

    async def _page(self, request: web.Request) -> web.Response:
        checkout = self._checkouts.get(request.match_info["id"])
        if checkout is None:
            return web.Response(status=404, text="404")
        language = checkout.language if checkout.language in _words() else "en"
        money = Money(checkout.amount, checkout.currency)
        page = _template().render(
            language=language,
            words=_words()[language],
            description=checkout.description,
            amount=format_currency(money.major, money.currency, locale=language),
            paid=checkout.id in self._payments,
            success_url=checkout.success_url,
            cancel_url=checkout.cancel_url,
        )
        return web.Response(text=page, content_type="text/html", headers={"Cache-Control": "no-store"})

    async def _pay(self, request: web.Request) -> web.Response:
        checkout = self._checkouts.get(request.match_info["id"])
        if checkout is None:
            return web.Response(status=404, text="404")
        if checkout.id not in self._payments:
            self._book(checkout)
            # The person comes back to a page that knows: but never waits long for an application that is down.
            await self._outbox.delivered(checkout.id, within=ACKNOWLEDGED_WITHIN)
        return web.Response(status=303, headers={"Location": checkout.success_url})

    def _book(self, checkout: Checkout) -> None:
        payment = payment_of(f"evt_{uuid4().hex}", checkout, self._now())
        self._payments[checkout.id] = payment
        event = {
            "id": payment.event,
            "type": "checkout.paid",
            "checkout": checkout.id,
            "reference": checkout.reference,
            "amount": checkout.amount,
            "currency": checkout.currency,
        }
        record = {"event": "paid", "id": payment.event, "checkout": checkout.id, "at": payment.at.isoformat()}
        parcel = Parcel(payment.event, checkout.id, self._events_path, json.dumps(event))
        self._outbox.owe(parcel, record=record)

    def _is_ours(self, request: web.Request) -> bool:
        given = request.headers.get("Authorization", "").encode("utf-8", "replace")
        return hmac.compare_digest(given, f"Bearer {self._api_key}".encode())

    def _keep(self, checkout: Checkout) -> None:
        self._checkouts[checkout.id] = checkout
        if checkout.key:
            self._by_key[checkout.key] = checkout.id

    def _resource(self, checkout: Checkout) -> dict[str, object]:
        return {
            "id": checkout.id,
            "url": f"{self.url}/pay/{checkout.id}",
            "status": CheckoutStatus.PAID if checkout.id in self._payments else CheckoutStatus.OPEN,
            "reference": checkout.reference,
            "amount": checkout.amount,
            "currency": checkout.currency,
        }


def _problem(status: int, message: str) -> web.Response:
    return web.json_response({"error": {"message": message}}, status=status)


@cache
def _words() -> dict[str, dict[str, str]]:
    texts: dict[str, dict[str, str]] = yaml.safe_load((PAGES / "pay.yaml").read_text("utf-8"))
    return texts


@cache
def _template() -> Template:
    pages = Environment(autoescape=True, undefined=StrictUndefined, loader=FileSystemLoader(PAGES))
    return pages.get_template("pay.html")
