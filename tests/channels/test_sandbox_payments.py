from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession

from channels.sandbox.payments import SIGNATURE_HEADER, NotPaid, PaymentProvider
from channels.signatures import verify_event
from engine.money import Money

ASKED = {
    "amount": 12050,
    "currency": "RON",
    "reference": "intent-1",
    "success_url": "https://bot.example/thanks",
    "cancel_url": "https://bot.example/back",
    "description": "Acme <internet>",
    "language": "ro",
}
KEY = {"Authorization": "Bearer key"}


@pytest.fixture
async def http() -> AsyncIterator[ClientSession]:
    async with ClientSession() as session:
        yield session


async def checkout(
    http: ClientSession, provider: PaymentProvider, key: str = "", **changes: object
) -> tuple[int, dict[str, Any]]:
    headers = KEY | ({"Idempotency-Key": key} if key else {})
    async with http.post(f"{provider.url}/v1/checkouts", json=ASKED | changes, headers=headers) as answer:
        return answer.status, await answer.json()


async def test_a_paid_checkout_is_told_once_and_signed(
    http: ClientSession, provider: PaymentProvider, application: Any, now: datetime
) -> None:
    status, made = await checkout(http, provider)
    assert (status, made["status"]) == (201, "open")
    assert await provider.pay(made["url"]) == "https://bot.example/thanks"
    assert await provider.pay(made["url"]) == "https://bot.example/thanks"
    await provider.settle()
    (hook,) = application.webhooks
    assert hook.path == "/webhooks/payments"
    assert verify_event(["whsec"], hook.body, hook.headers[SIGNATURE_HEADER], now)
    event = json.loads(hook.body)
    assert event.pop("id") == provider.sent[0].event
    assert event == {
        "type": "checkout.paid",
        "checkout": made["id"],
        "reference": "intent-1",
        "amount": 12050,
        "currency": "RON",
    }
    assert provider.sent[0].amount == Money(12050, "RON")
    async with http.get(f"{provider.url}/v1/checkouts/{made['id']}", headers=KEY) as answer:
        assert (await answer.json())["status"] == "paid"


async def test_the_page_is_plain_and_in_the_language_asked_for(http: ClientSession, provider: PaymentProvider) -> None:
    _, made = await checkout(http, provider)
    async with http.get(made["url"]) as answer:
        page = await answer.text()
    assert '<html lang="ro">' in page
    assert "Acme &lt;internet&gt;" in page
    assert "120,50\u00a0RON" in page
    assert page.count("<button") == 1
    assert 'href="https://bot.example/back"' in page
    assert "<script" not in page
    await provider.pay(made["url"])
    async with http.get(made["url"]) as answer:
        assert "<button" not in await answer.text()


async def test_one_key_is_one_checkout(http: ClientSession, provider: PaymentProvider) -> None:
    _, first = await checkout(http, provider, key="k1")
    status, again = await checkout(http, provider, key="k1")
    assert (status, again["id"]) == (200, first["id"])
    assert (await checkout(http, provider, key="k1", amount=1))[0] == 409
    assert (await checkout(http, provider, key="k2"))[1]["id"] != first["id"]
    assert len(provider.checkouts) == 2


@pytest.mark.parametrize(
    "changes",
    [
        {"amount": 0},
        {"amount": 1.5},
        {"amount": True},
        {"amount": "100"},
        {"currency": "XXZ"},
        {"currency": None},
        {"reference": ""},
        {"success_url": "javascript:alert(1)"},
        {"description": ["a"]},
    ],
)
async def test_a_wrong_checkout_is_refused_with_its_field(
    http: ClientSession, provider: PaymentProvider, changes: dict[str, object]
) -> None:
    status, problem = await checkout(http, provider, **changes)
    assert status == 400
    assert next(iter(changes)) in problem["error"]["message"]
    assert provider.checkouts == ()


async def test_a_wrong_key_and_a_wrong_page_are_refused(http: ClientSession, provider: PaymentProvider) -> None:
    async with http.post(f"{provider.url}/v1/checkouts", json=ASKED) as answer:
        assert answer.status == 401
    async with http.post(f"{provider.url}/v1/checkouts", data=b"\xff{", headers=KEY) as answer:
        assert answer.status == 400
    with pytest.raises(NotPaid):
        await provider.pay(f"{provider.url}/pay/co_none")


async def test_an_event_the_application_missed_comes_after_a_restart(
    http: ClientSession, application: Any, now: datetime, tmp_path: Path
) -> None:
    def make() -> PaymentProvider:
        path = tmp_path / "payments.jsonl"
        return PaymentProvider(
            api_key="key", webhook_secret="whsec", now=lambda: now, public_url=application.url, journal=path
        )

    application.refusing = 10**6
    provider = make()
    await provider.start()
    _, made = await checkout(http, provider, key="k1")
    await provider.pay(made["url"])
    await provider.stop()
    application.refusing = 0
    provider = make()
    await provider.start()
    await provider.settle()
    assert [json.loads(hook.body)["reference"] for hook in application.webhooks] == ["intent-1"]
    assert [payment.amount for payment in provider.sent] == [Money(12050, "RON")]
    assert (await checkout(http, provider, key="k1"))[1]["id"] == made["id"]
    await provider.stop()
