"""A checkout at the sandbox payment provider: what is asked, and what was paid."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import uuid4

from engine.money import Money, is_currency

LARGEST_AMOUNT = 10**12


class CheckoutStatus(StrEnum):
    """Whether the money has come."""

    OPEN = "open"
    PAID = "paid"


@dataclass(frozen=True, slots=True)
class Checkout:
    """One sum asked for. `amount` in minor units; `reference` is the caller's own; `key` its Idempotency-Key."""

    id: str
    amount: int
    currency: str
    reference: str
    success_url: str
    cancel_url: str
    description: str
    language: str
    key: str
    created_at: datetime

    @property
    def terms(self) -> tuple[object, ...]:
        """What two requests with one Idempotency-Key must agree on."""
        return self.amount, self.currency, self.reference, self.success_url, self.cancel_url


@dataclass(frozen=True, slots=True)
class Payment:
    """A checkout that was paid. `event` is the id of the event that tells of it."""

    event: str
    checkout: str
    reference: str
    amount: Money
    at: datetime


class BadCheckout(ValueError):
    """The checkout asked for lacks something or is not valid; the text says which field."""


class NotPaid(Exception):
    """The hosted page did not take the payment."""


def checkout_asked(body: bytes, key: str, now: datetime) -> Checkout:
    """The checkout a request body asks for. Raises BadCheckout."""
    try:
        asked = json.loads(body)
    except ValueError:
        raise BadCheckout("the body is not JSON") from None
    if not isinstance(asked, dict):
        raise BadCheckout("the body is not a JSON object")
    amount, currency = asked.get("amount"), asked.get("currency")
    if type(amount) is not int or not 0 < amount <= LARGEST_AMOUNT:
        raise BadCheckout("amount is a positive whole number of minor units")
    if not isinstance(currency, str) or not is_currency(currency):
        raise BadCheckout("currency is an ISO 4217 code")
    texts = {name: asked.get(name, "") for name in ("reference", "success_url", "cancel_url", "description")}
    if not all(isinstance(value, str) and len(value) <= 2000 for value in texts.values()) or not texts["reference"]:
        raise BadCheckout("reference, success_url, cancel_url and description are texts, and reference is not empty")
    if not all(texts[name].startswith(("https://", "http://")) for name in ("success_url", "cancel_url")):
        raise BadCheckout("success_url and cancel_url are web addresses")
    language = str(asked.get("language", "en"))[:20]
    return Checkout(f"co_{uuid4().hex}", amount, currency, **texts, language=language, key=key[:255], created_at=now)


def payment_of(event: str, checkout: Checkout, at: datetime) -> Payment:
    """The payment of all of a checkout."""
    return Payment(event, checkout.id, checkout.reference, Money(checkout.amount, checkout.currency), at)
