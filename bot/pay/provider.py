"""The payment provider over HTTP: open a checkout, ask how it stands, read the events it posts."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from urllib.parse import quote, urlsplit
from uuid import UUID

import httpx

from channels.port import Unreadable
from channels.signatures import verify_event
from engine.money import Money

PAID = "checkout.paid"


class ProviderFault(Exception):
    """The payment provider could not do what it was asked. No money moves by it: nobody has seen a page to pay on."""


class ProviderUnreachable(ProviderFault):
    """The payment provider does not answer, or answers with a fault of its own: try again in a few minutes."""


class CheckoutRefused(ProviderFault):
    """The payment provider refused the request, or answered what cannot be read: its settings need a look."""


class NoSuchCheckout(ProviderFault):
    """The payment provider does not know this checkout."""


class CheckoutStatus(StrEnum):
    """How a checkout stands at the provider."""

    OPEN = "open"
    PAID = "paid"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class HostedCheckout:
    """A checkout as the provider has it; `url` is the page on which the client pays."""

    id: str
    url: str
    status: CheckoutStatus


@dataclass(frozen=True, slots=True)
class CheckoutRequest:
    """What to ask of the provider. `id` is ours: the reference, and the key that lets no second one be opened."""

    id: UUID
    amount: Money
    success_url: str
    cancel_url: str
    description: str
    language: str


@dataclass(frozen=True, slots=True)
class PaymentEvent:
    """What the provider tells. `checkout` is its own id of the checkout, `reference` the one we gave it."""

    id: str
    kind: str
    checkout: str
    reference: str
    amount: Money


class PaymentProvider:
    """The adapter of one provider. `timeout` is in seconds; `pages` is where its pay pages are, if not at `url`."""

    def __init__(self, url: str, key: str, webhook_secret: str, timeout: float = 10.0, pages: str = "") -> None:
        self._secret = webhook_secret
        self.pages = _origin(pages or url)
        self._http = httpx.AsyncClient(
            base_url=url.rstrip("/"),
            headers={"Authorization": f"Bearer {key}"},
            timeout=timeout,
            transport=httpx.AsyncHTTPTransport(retries=1),  # of connecting only: what was sent is not sent again
        )

    async def open_checkout(self, request: CheckoutRequest) -> HostedCheckout:
        """Open a checkout, or get the one opened under the same id. Raises ProviderFault."""
        body = {
            "amount": request.amount.minor,
            "currency": request.amount.currency,
            "reference": str(request.id),
            "success_url": request.success_url,
            "cancel_url": request.cancel_url,
            "description": request.description,
            "language": request.language,
        }
        headers = {"Idempotency-Key": str(request.id)}
        return self._hosted(await self._ask("POST", "/v1/checkouts", json=body, headers=headers))

    async def checkout(self, reference: str) -> HostedCheckout:
        """How the checkout with this id of the provider's stands. Raises ProviderFault."""
        return self._hosted(await self._ask("GET", f"/v1/checkouts/{quote(reference, safe='')}"))

    def read_event(self, raw: bytes, signature: str | None, now: datetime) -> PaymentEvent | None:
        """The event in a webhook's body; None where the signature is not the provider's. Raises Unreadable."""
        if not verify_event((self._secret,), raw, signature, now):
            return None
        return stored_event(raw)

    async def close(self) -> None:
        """Let go of connections."""
        await self._http.aclose()

    async def _ask(self, method: str, path: str, **request: Any) -> dict[str, Any]:
        try:
            answer = await self._http.request(method, path, **request)
        except httpx.HTTPError as error:
            raise ProviderUnreachable(f"the payment provider does not answer: {type(error).__name__}") from error
        if answer.status_code >= 500 or answer.status_code == 429:
            raise ProviderUnreachable(f"the payment provider answers {answer.status_code}")
        if answer.status_code == 404:
            raise NoSuchCheckout(f"the payment provider does not know {path}")
        try:
            content = answer.json()
        except ValueError:
            content = None
        if not answer.is_success or not isinstance(content, dict):
            raise CheckoutRefused(f"the payment provider answers {answer.status_code} to {method} {path}")
        return content

    def _hosted(self, content: dict[str, Any]) -> HostedCheckout:
        try:
            hosted = HostedCheckout(
                _text(content, "id"), _text(content, "url"), CheckoutStatus(_text(content, "status"))
            )
        except ValueError as error:
            raise CheckoutRefused(f"the payment provider answers what cannot be read: {error}") from None
        if _origin(hosted.url) != self.pages:
            raise CheckoutRefused("the payment provider names a pay page outside its own address")
        return hosted


def stored_event(raw: bytes) -> PaymentEvent:
    """The event in a body whose signature was checked when it came. Raises Unreadable."""
    try:
        content = json.loads(raw)
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict):
        raise Unreadable("this payment event is no JSON object")
    amount = content.get("amount")
    if type(amount) is not int:
        raise Unreadable("this payment event has no 'amount' in whole minor units")
    try:
        return PaymentEvent(
            id=_text(content, "id"),
            kind=_text(content, "type"),
            checkout=_text(content, "checkout"),
            reference=_text(content, "reference"),
            amount=Money(amount, _text(content, "currency").upper()),
        )
    except ValueError as error:
        raise Unreadable(f"this payment event cannot be read: {error}") from None


def _text(content: dict[str, Any], name: str) -> str:
    value = content.get(name)
    if not isinstance(value, str) or not value:
        raise ValueError(f"it has no '{name}'")
    return value


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
